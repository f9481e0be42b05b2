package qualification

import (
	"fmt"
	"strings"
)

// classWord stands in the name of a series for the class of the entry: each class counts on its own.
const classWord = "{class}"

// Series returns the name of the counter that numbers an entry with the items.
func (d *Definition) Series(items map[string]string) string {
	return strings.ReplaceAll(d.Number.Series, classWord, d.Class(items))
}

// FormatNumber writes the registration number of an entry with the items from its counter.
func (d *Definition) FormatNumber(n int64, items map[string]string) string {
	format := itemPattern.ReplaceAllStringFunc(d.Number.Format, func(found string) string {
		return strings.ReplaceAll(items[itemPattern.FindStringSubmatch(found)[1]], "%", "%%")
	})
	return fmt.Sprintf(format, n)
}

// lintNumber holds the form of numbers to one counter, and to what tells equal counts of several series apart.
func (l *linter) lintNumber() {
	n := &l.d.Number
	if !numberFormat.MatchString(n.Format) {
		l.r.add("number.format", "number-verb", n.Format, "%d", "%06d")
	}
	named := map[string]bool{}
	for _, found := range itemPattern.FindAllStringSubmatch(n.Format, -1) {
		named[found[1]] = true
		if l.d.Item(found[1]) == nil {
			l.r.add("number.format", "item-none", found[1])
		}
	}
	if !strings.Contains(n.Series, classWord) {
		return
	}
	if l.d.Classes == nil {
		l.r.add("number.series", "number-no-class")
		return
	}
	for _, id := range l.d.Classes.Items {
		if !named[id] {
			l.r.add("number.format", "number-per-class", "{item."+id+"}")
		}
	}
}
