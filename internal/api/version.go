package api

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"akashi/internal/server"
)

// FieldVersion names the dated version of the interface in a request, and in every answer the one that was used.
const FieldVersion = "Akashi-Version"

// version is what the operations under /v1/ take and answer from a day on. It is never changed: what would change it is another
// version. A program names the one that it was written for and gets it for as long as there is /v1/; one that names none was
// written when there was only the first.
//
// Versions are written newest first in code: handlers answer as the newest has it, and each version before says what of that it does
// not have.
type version struct {
	date  string // YYYY-MM-DD
	older func(v any) any
}

// versions lists them, the oldest first. A new one is added at the end, its description is frozen in versions/ when the next comes,
// and older of the one before takes out of an answer what the new one has added.
var versions = []version{
	{date: "2026-11-01", older: withoutLegalOriginal},
	{date: "2026-12-01", older: withoutSuspendedUntil}, // answers say since when the digital credential is the legal original: legal_original_since
	{date: "2026-12-15"},                               // answers say until when a suspension with a term lasts: suspended_until
}

// Newest is the date of the newest version, which /openapi.json describes.
func Newest() string { return versions[len(versions)-1].date }

// first is that of who names none.
func first() string { return versions[0].date }

// Versions lists the dates, the oldest first.
func Versions() (dates []string) {
	for _, v := range versions {
		dates = append(dates, v.date)
	}
	return dates
}

// answered turns an answer of the newest version into that of a version: every later one's additions are taken out, the latest first.
func answered(date string, v any) any {
	for _, one := range slices.Backward(versions) {
		if one.date < date {
			break
		}
		if one.older != nil {
			v = one.older(v)
		}
	}
	return v
}

// withoutLegalOriginal takes legal_original_since out of whatever has a verification in it.
func withoutLegalOriginal(v any) any {
	return inVerification(v, func(r *Verification) { r.LegalOriginal = "" })
}

// withoutSuspendedUntil takes suspended_until out of whatever has a verification in it.
func withoutSuspendedUntil(v any) any {
	return inVerification(v, func(r *Verification) { r.SuspendedUntil = "" })
}

// inVerification changes the verification in an answer, where there is one; what was handed in stays as it is.
func inVerification(v any, change func(*Verification)) any {
	switch a := v.(type) {
	case Verification:
		change(&a)
		return a
	case Presentation:
		if a.Result != nil {
			r := *a.Result
			change(&r)
			a.Result = &r
		}
		return a
	case watchMadeBody:
		change(&a.Result)
		return a
	}
	return v
}

// asVersion is huma's place for answered: it sees every body before it is written.
func asVersion(ctx huma.Context, _ string, v any) (any, error) {
	date := ctx.Header(FieldVersion)
	if date == "" {
		date = first()
	}
	return answered(date, v), nil
}

// versioned refuses a version that there is not and says of every answer which one it is.
func versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v1/") || r.Method == http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		date := first()
		switch all := r.Header.Values(FieldVersion); {
		case len(all) == 1 && slices.Contains(Versions(), all[0]):
			date = all[0]
		case len(all) > 0:
			w.Header().Set(FieldVersion, Newest())
			problem(w, http.StatusBadRequest, "There is no such version. "+FieldVersion+" is one of: "+strings.Join(Versions(), ", ")+".")
			return
		}
		w.Header().Set(FieldVersion, date)
		next.ServeHTTP(w, r)
	})
}

// frozen are the descriptions of the versions before the newest, as they were when the next one came.
//
//go:embed versions/*.json
var frozen embed.FS

// Described returns the description of a version; false when there is no such version.
func Described(date string) ([]byte, bool) {
	if date == Newest() {
		return Description, true
	}
	if !slices.Contains(Versions(), date) {
		return nil, false
	}
	b, err := fs.ReadFile(frozen, "versions/"+date+".json")
	return b, err == nil
}

// descriptionRoutes serve the newest description, and each under its date.
func descriptionRoutes(mux *server.Mux) {
	mux.HandleFunc("GET "+descriptionPath, func(w http.ResponseWriter, _ *http.Request) { description(w, Description) })
	mux.HandleFunc("GET "+datedPath, func(w http.ResponseWriter, r *http.Request) {
		text, ok := Described(strings.TrimSuffix(r.PathValue("version"), ".json"))
		if !ok {
			problem(w, http.StatusNotFound, "There is no such version: "+strings.Join(Versions(), ", ")+".")
			return
		}
		description(w, text)
	})
}
