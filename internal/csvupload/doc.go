// Package csvupload uploads people from CSV files: what a row says becomes a
// record of the queue of uploads, as one of an HR tool is, so that matching,
// policies, limits and the log are the same (docs/uploads.md). It is what the
// command and the API have in common.
//
// A file is one run. It is read in pieces, each of which is durable when the next
// one begins, and the run is found by the content of the file: who was interrupted
// uploads the same file again and goes on where it was. Memory doesn't grow with
// the file.
package csvupload
