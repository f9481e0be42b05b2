package job

import "time"

// NextDaily is the schedule of Daily.
func NextDaily(hour, minute int, t time.Time) time.Time { return daily{hour, minute}.Next(t) }
