package server

import (
	"io"
	"log/slog"
	"strings"
)

// NewLogger writes lines of JSON, or of text when json is false, from level upwards. Attributes whose name says that
// they hold a secret or a person's particulars lose their value, as a second line of defence: the first is not to log
// them.
func NewLogger(w io.Writer, json bool, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	if json {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

const redacted = "[redacted]"

func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindGroup && guarded(a.Key) {
		a.Value = slog.StringValue(redacted)
	}
	return a
}

// guarded tells whether a name, word by word, speaks of something that no log may hold. Every attribute of every line is asked.
func guarded(key string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(key), func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		switch word {
		case "password", "passwd", "passphrase", "pin", "otp", "secret", "token", "cookie", "authorization", "assertion",
			"verifier", "nonce", "dsn", "credentials", "privatekey", "private", "query", "csrf", "session",
			"kana", "birth", "birthdate", "birthday", "address", "mynumber", "email", "tel", "phone", "particulars":
			return true
		}
	}
	return false
}
