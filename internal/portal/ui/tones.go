package ui

import "akashi/internal/qualification"

// problem is short for the type that error summaries list.
type problem = qualification.Problem

func taskTone(s TaskState) Tone {
	switch s {
	case TaskStarted:
		return Warning
	case TaskTodo, TaskAsked:
		return Info
	}
	return Neutral
}

// checkState names the wording and checkTone the colour of one check of a result.
func checkState(c ResultCheck) string {
	switch {
	case c.Open:
		return "open"
	case c.OK:
		return "ok"
	}
	return "failed"
}

func checkTone(c ResultCheck) Tone {
	switch {
	case c.Open:
		return Neutral
	case c.OK:
		return Success
	}
	return Danger
}

// eventTime writes when a step happened, as a day or with its time.
func eventTime(p *Page, e Event) string {
	if e.Day {
		return p.Day(e.At)
	}
	return p.Time(e.At)
}

// nextID is the id of a next-step box's heading.
func nextID(n NextStep) string {
	if n.Mine {
		return "next-mine"
	}
	return "next-theirs"
}
