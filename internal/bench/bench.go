// Package bench measures this program against its stated aims, each time in the same run as the limit that it is measured
// against: pages against the same SQL statements without pages, verification by HTTP against the bare check.
package bench
