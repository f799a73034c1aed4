package app

// collectorSlack is memory that is allocated and never touched, so it costs
// none. The garbage collector takes it for live and waits until as much again
// has been allocated. What a server holds between requests is a few megabytes:
// the collector would run several times for each hundred requests, and cost a
// sixth of them. GOGC in its place would multiply what large requests hold.
const collectorSlack = 24 << 20
