package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ticksPerSecond is USER_HZ, in which the kernel tells times of processes; Linux has 100 on every architecture of ours.
const ticksPerSecond = 100

// cpuSeconds is how long processes have computed since they began, in user and system mode. A process that has ended
// counts as nothing.
func cpuSeconds(pids ...int) (seconds float64) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// The name, in parentheses, may hold anything; fields 14 and 15 are counted from behind it (proc(5)).
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		for _, f := range fields[11:13] {
			if ticks, err := strconv.ParseFloat(f, 64); err == nil {
				seconds += ticks / ticksPerSecond
			}
		}
	}
	return seconds
}

// peakMemory is the most memory that a process has held at once (VmHWM), in megabytes; 0 when it cannot be read.
func peakMemory(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return 0
			}
			return kib * 1024 / 1e6
		}
	}
	return 0
}

// backends lists the processes that work for the database cluster now.
func backends(ctx context.Context, admin *pgxpool.Pool) ([]int, error) {
	rows, err := admin.Query(ctx, `select pid from pg_stat_activity`)
	if err != nil {
		return nil, fmt.Errorf("listing the database's processes: %w", err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, fmt.Errorf("listing the database's processes: %w", err)
	}
	return pids, nil
}

func ownPID() int { return os.Getpid() }
