package gate

import (
	"encoding/json"
	"net/http"
)

// Administer returns a handler of PUT requests whose path ends in {id}: it hands the id and the JSON body to put. It is the
// demonstration's way to change a simulated world, open to whoever reaches the loopback address.
func Administer[T any](put func(id string, v T) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var v T
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := put(r.PathValue("id"), v); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
