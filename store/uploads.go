package store

import "time"

// What clients upload is worked on later: each record of it is a row, which
// waits until it is settled, and then tells what became of it.

// UploadStatus is what became of a record.
type UploadStatus string

// The statuses of records.
const (
	UploadWaiting UploadStatus = ""        // it is still to be worked on
	UploadSuccess UploadStatus = "success" // it was carried out
	UploadWarning UploadStatus = "warning" // it was kept, and another source's values stay
	UploadSkipped UploadStatus = "skipped" // there was nothing to do
	UploadFailure UploadStatus = "failure" // it was refused
)

// UploadRecord is one record of an upload.
type UploadRecord struct {
	// ID grows with acceptance; of one source the records are worked on in its
	// order.
	ID       int64
	Tenant   int64
	Source   int64
	Run      string // the public id of the upload's run
	Position int    // in the upload, from 0
	Actor    string // the prefix of the token that sent it
	Txn      string // the id of the request that brought it
	// AcceptedAt is when it was accepted, SettledAt when it was settled, zero
	// until then.
	AcceptedAt time.Time
	SettledAt  time.Time
	Data       []byte // what was sent, JSON; nil once it is settled
	Status     UploadStatus
	Action     string // create, update, disable or other; "" while it waits
	ExternalID string // what the sender calls the user, "" for nothing
	Display    string // the user's name, for people
	Subject    string // the id of the user, "" for none
	// Code and Detail say why the record failed, was skipped or warns. A record
	// that waits and has a Code is refused when its turn comes.
	Code   string
	Detail string
}

// UploadJob is the work on the uploads of a source.
type UploadJob struct {
	Tenant int64
	Source int64
	Paused bool // records wait
}

// UploadQuery asks for settled records of a source, the newest first; the zero
// value of each field but Source and Limit asks for nothing.
type UploadQuery struct {
	Source     int64
	ID         int64
	Run        string
	NotRuns    []string // of no such run
	ExternalID string
	Subject    string
	Status     UploadStatus
	Action     string
	Since      time.Time // settled from then on
	Until      time.Time // settled before then
	Oldest     bool      // the oldest first
	// After continues behind the record that was settled then and has this ID.
	After   time.Time
	AfterID int64
	Limit   int
}

// UploadReader reads uploads.
type UploadReader interface {
	// UploadJob gets the job of a source; one that was never written isn't paused.
	UploadJob(source int64) (UploadJob, error)
	// WaitingUploads gives the jobs that have waiting records and aren't paused, of
	// sources that aren't disabled, in the order of the sources' ids.
	WaitingUploads() ([]UploadJob, error)
	// CountUploads says how many records of a source wait, counted up to a limit.
	CountUploads(source int64, limit int) (int, error)
	// Uploads gives settled records.
	Uploads(q UploadQuery) ([]UploadRecord, error)
	// Speaker is the Principal that a token of the source would have, without the
	// token. ErrNotFound if there is no such source.
	Speaker(source int64) (Principal, error)
}

// UploadWriter writes uploads.
type UploadWriter interface {
	// LockUploads gets the job of a source, made if need be. Until the transaction
	// ends, others that lock it wait; who inserts records doesn't.
	LockUploads(tenant, source int64) (UploadJob, error)
	// PutUploadJob writes Paused of a job that LockUploads gave.
	PutUploadJob(j UploadJob) error
	// InsertUploads adds records that wait, in order; ID is not set.
	InsertUploads(all []UploadRecord) error
	// NextUploads gives the records of a source that wait, in order and at most
	// limit. They stay as they are only if the source's job is locked.
	NextUploads(source int64, limit int) ([]UploadRecord, error)
	// SettleUpload writes what became of a record that waits, and forgets Data. It
	// changes nothing of one that doesn't wait.
	SettleUpload(r UploadRecord) error
	// DeleteUploads forgets records that were settled before t, of all tenants and
	// at most limit, and says how many they were.
	DeleteUploads(before time.Time, limit int) (int, error)
	// DeleteRuns forgets runs of a kind that ended before t, of all tenants
	// and at most limit, and says how many they were.
	DeleteRuns(kind string, before time.Time, limit int) (int, error)
}
