/*
 * powercut.c is loaded into a program by LD_PRELOAD and keeps, in the directory
 * POWERCUT_DISK, what a disk would have of the files in POWERCUT_DATA if the
 * power were cut: of each file only what was there when it was last synced.
 *
 * Writes and truncations are noted as dirty ranges of a file; fsync and
 * fdatasync copy those to the file of the same name on the disk and give it the
 * size of the original. A sync of the directory removes from the disk what was
 * removed from it; a new name is on the disk from the first sync of its file,
 * as on ext4. Memory maps are not watched: SQLite maps only its -shm file, which
 * it builds anew after a crash.
 *
 * The file POWERCUT_FAIL, while it exists, makes operations on the watched files
 * fail: if it begins with "full", writes as on a full disk, if with "sync", syncs
 * as on a broken one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct range { off_t from, to; };

/* A file in POWERCUT_DATA. */
struct file {
	dev_t dev;
	ino_t ino;
	struct range *dirty;
	size_t count, room;
	struct file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void die(const char *what)
{
	fprintf(stderr, "fatal error: powercut: %s: %s\n", what, strerror(errno));
	_exit(99);
}

/* pathOf gives the path of an open file below POWERCUT_DATA, "" for the
 * directory itself, NULL for any other. */
static const char *pathOf(int fd, char *buf)
{
	char link[64];
	const char *data = getenv("POWERCUT_DATA");
	size_t len;
	ssize_t n;

	if (data == NULL)
		return NULL;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, buf, PATH_MAX - 1);
	if (n < 0)
		return NULL;
	buf[n] = 0;
	len = strlen(data);
	if (strncmp(buf, data, len) != 0)
		return NULL;
	if (buf[len] == 0)
		return "";
	if (buf[len] != '/' || strstr(buf, " (deleted)") != NULL)
		return NULL;
	return buf + len + 1;
}

/* fileOf finds what is known of an open file; the lock is held. */
static struct file *fileOf(int fd)
{
	char buf[PATH_MAX];
	struct stat st;
	struct file *f;
	const char *path;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	for (f = files; f != NULL; f = f->next)
		if (f->dev == st.st_dev && f->ino == st.st_ino)
			return f;
	path = pathOf(fd, buf);
	if (path == NULL || *path == 0)
		return NULL;
	f = calloc(1, sizeof *f);
	if (f == NULL)
		die("calloc");
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->next = files;
	files = f;
	return f;
}

/* failing says whether what is done to an open file shall fail now. */
static int failing(int fd, char what)
{
	const char *name = getenv("POWERCUT_FAIL");
	char mode = 0;
	int control, watched;

	control = name == NULL ? -1 : open(name, O_RDONLY);
	if (control < 0)
		return 0;
	if (read(control, &mode, 1) != 1)
		mode = 0;
	close(control);
	if (mode != what)
		return 0;
	pthread_mutex_lock(&lock);
	watched = fileOf(fd) != NULL;
	pthread_mutex_unlock(&lock);
	errno = what == 'f' ? ENOSPC : EIO;
	return watched;
}

static void dirty(int fd, off_t from, off_t to)
{
	struct file *f;

	if (to <= from)
		return;
	pthread_mutex_lock(&lock);
	f = fileOf(fd);
	if (f != NULL) {
		if (f->count > 0 && f->dirty[f->count - 1].to == from) {
			f->dirty[f->count - 1].to = to;
		} else {
			if (f->count == f->room) {
				f->room = f->room ? 2 * f->room : 64;
				f->dirty = realloc(f->dirty, f->room * sizeof *f->dirty);
				if (f->dirty == NULL)
					die("realloc");
			}
			f->dirty[f->count].from = from;
			f->dirty[f->count++].to = to;
		}
	}
	pthread_mutex_unlock(&lock);
}

/* copy brings a range of the file to the disk; beyond its end there is none. */
static void copy(int from, int to, struct range r)
{
	static char buf[1 << 16];
	ssize_t n, m;
	size_t len;

	while (r.from < r.to) {
		len = sizeof buf;
		if ((off_t)len > r.to - r.from)
			len = r.to - r.from;
		n = pread(from, buf, len, r.from);
		if (n < 0)
			die("pread");
		if (n == 0)
			return;
		m = REAL(pwrite)(to, buf, n, r.from);
		if (m != n)
			die("pwrite");
		r.from += n;
	}
}

/* keep brings what is dirty to the disk. */
static void keep(struct file *f, const char *path)
{
	char from[2 * PATH_MAX], to[2 * PATH_MAX];
	struct stat st;
	size_t i;
	int in, out;

	snprintf(from, sizeof from, "%s/%s", getenv("POWERCUT_DATA"), path);
	snprintf(to, sizeof to, "%s/%s", getenv("POWERCUT_DISK"), path);
	in = open(from, O_RDONLY);
	out = open(to, O_RDWR | O_CREAT, 0644);
	if (in < 0 || out < 0 || fstat(in, &st) != 0)
		die(path);
	for (i = 0; i < f->count; i++)
		copy(in, out, f->dirty[i]);
	f->count = 0;
	if (REAL(ftruncate)(out, st.st_size) != 0)
		die("ftruncate");
	close(in);
	close(out);
}

/* forget removes from the disk the names that are gone from the directory. */
static void forget(void)
{
	char path[2 * PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(getenv("POWERCUT_DISK"));

	if (d == NULL)
		die("opendir");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", getenv("POWERCUT_DATA"), e->d_name);
		if (access(path, F_OK) == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", getenv("POWERCUT_DISK"), e->d_name);
		unlink(path);
	}
	closedir(d);
}

static void synced(int fd)
{
	char buf[PATH_MAX];
	const char *path;
	struct file *f;

	pthread_mutex_lock(&lock);
	path = pathOf(fd, buf);
	if (path != NULL && *path == 0)
		forget();
	else if (path != NULL && (f = fileOf(fd)) != NULL)
		keep(f, path);
	pthread_mutex_unlock(&lock);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
	ssize_t n = failing(fd, 'f') ? -1 : REAL(pwrite)(fd, buf, len, at);
	dirty(fd, at, at + n);
	return n;
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	ssize_t n = failing(fd, 'f') ? -1 : REAL(pwrite64)(fd, buf, len, at);
	dirty(fd, at, at + n);
	return n;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t n = failing(fd, 'f') ? -1 : REAL(write)(fd, buf, len);
	off_t end = n > 0 ? lseek(fd, 0, SEEK_CUR) : -1;
	if (end >= n)
		dirty(fd, end - n, end);
	return n;
}

/* truncated marks what a truncation took away: if it is written again as a
 * hole, the disk must not keep the old bytes. */
static void truncated(int fd, off_t len, off_t before)
{
	dirty(fd, len, before);
	dirty(fd, before, len);
}

int ftruncate(int fd, off_t len)
{
	struct stat st = {0};
	int known = fstat(fd, &st), r = REAL(ftruncate)(fd, len);
	if (r == 0 && known == 0)
		truncated(fd, len, st.st_size);
	return r;
}

int ftruncate64(int fd, off64_t len)
{
	struct stat st = {0};
	int known = fstat(fd, &st), r = REAL(ftruncate64)(fd, len);
	if (r == 0 && known == 0)
		truncated(fd, len, st.st_size);
	return r;
}

int fsync(int fd)
{
	int r = failing(fd, 's') ? -1 : REAL(fsync)(fd);
	if (r == 0)
		synced(fd);
	return r;
}

int fdatasync(int fd)
{
	int r = failing(fd, 's') ? -1 : REAL(fdatasync)(fd);
	if (r == 0)
		synced(fd);
	return r;
}
