#!/usr/bin/env bash
# postgres.sh [--durable] COMMAND [ARGUMENT]... runs the command with
# WORKSPACE_TEST_POSTGRES set to the URL of a PostgreSQL server. If the variable
# is set already, that server is used. Otherwise a server is started on a free
# port of the loopback, in a directory of its own and as an unprivileged user,
# and stopped when the command ends; where PostgreSQL isn't installed, Debian's
# is. --durable is for measurements: it keeps fsync on, and gives the server the
# memory that one of its own would have.
set -euo pipefail

fsync=off
memory=()
if [[ ${1:-} == --durable ]]; then
	fsync=on
	memory=(-c shared_buffers=1GB -c max_wal_size=4GB)
	shift
fi
if [[ -n ${WORKSPACE_TEST_POSTGRES:-} ]]; then
	exec "$@"
fi

# binaries prints the directory of the newest PostgreSQL here, if there is one.
binaries() {
	local d
	for d in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr) "$(dirname "$(command -v initdb || echo /none/initdb)")"; do
		if [[ -x $d/initdb && -x $d/pg_ctl ]]; then
			echo "$d"
			return
		fi
	done
}

# install_postgres installs Debian's package, without the server that it would
# set up and start by itself.
install_postgres() {
	local root=()
	if [[ $(id -u) != 0 ]]; then
		root=(sudo)
	fi
	if ! command -v apt-get >/dev/null; then
		echo "postgres.sh: install PostgreSQL, or set WORKSPACE_TEST_POSTGRES" >&2
		exit 1
	fi
	if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
		"${root[@]}" mkdir -p /etc/postgresql-common
		echo 'create_main_cluster = false' | "${root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	"${root[@]}" apt-get update -q
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
		-o Dpkg::Options::=--force-confold postgresql
}

bin=$(binaries)
if [[ -z $bin ]]; then
	install_postgres >&2
	bin=$(binaries)
fi

dir=$(mktemp -d /tmp/workspace-postgres.XXXXXX)
as=()
if [[ $(id -u) == 0 ]]; then # the server refuses to run as root
	user=postgres
	id -u "$user" >/dev/null 2>&1 || user=nobody
	chown "$user" "$dir"
	as=(runuser -u "$user" --)
fi

stop() {
	(cd "$dir" && "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1) || true
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd_run() { (cd "$dir" && "${as[@]}" "$@"); }
cd_run "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" ||
	{ cat "$dir/initdb.log" >&2; exit 1; }

port=
for _ in 1 2 3 4 5 6 7 8; do # another program may have the port
	try=$((20000 + RANDOM % 20000))
	options="-c listen_addresses=127.0.0.1 -c port=$try -c unix_socket_directories=$dir -c fsync=$fsync -c full_page_writes=$fsync -c max_connections=400 ${memory[*]}"
	if cd_run "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -o "$options" start >/dev/null 2>&1; then
		port=$try
		break
	fi
done
if [[ -z $port ]]; then
	cat "$dir/data/server.log" >&2
	exit 1
fi

export WORKSPACE_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
"$@"
