package qualification

// Wordings are the sentences of findings, comparisons and commands, by the file that holds them.
var Wordings = map[string]map[Code]Text{"filewords.go": fileWords, "findingwords.go": findingWords, "changewords.go": changeWords, "authorwords.go": authorWords, "outlinewords.go": outlineWords}

// UnreadKanji returns the first run of kanji without a reading.
var UnreadKanji = unreadKanji

// NameOfThing is the sentence that names what stands in a list of a definition, false when there is none.
func NameOfThing(list string) (Code, bool) {
	what, _ := kindOf(list + "[x]")
	code, ok := things[what]
	return code, ok
}
