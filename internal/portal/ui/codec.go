package ui

import (
	"encoding/json"
	"fmt"
	"time"
)

// codec writes the values of a session as JSON: the portals keep texts, numbers and bytes. The library's own codec makes
// and reads a description of the types with each session, which took longer than everything else about it.
type codec struct{}

// stored is a session as it is stored.
type stored struct {
	Deadline time.Time         `json:"d"` // end of its life
	Texts    map[string]string `json:"t,omitempty"`
	Numbers  map[string]int64  `json:"n,omitempty"`
	Bytes    map[string][]byte `json:"b,omitempty"`
}

// Encode satisfies scs.Codec. A value of another type is a mistake in the program.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	s := stored{Deadline: deadline, Texts: map[string]string{}, Numbers: map[string]int64{}, Bytes: map[string][]byte{}}
	for name, value := range values {
		switch v := value.(type) {
		case string:
			s.Texts[name] = v
		case int64:
			s.Numbers[name] = v
		case []byte:
			s.Bytes[name] = v
		default:
			return nil, fmt.Errorf("keeping %s in a session: values of type %T are not kept", name, value)
		}
	}
	return json.Marshal(s)
}

// Decode satisfies scs.Codec.
func (codec) Decode(data []byte) (time.Time, map[string]any, error) {
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return time.Time{}, nil, fmt.Errorf("reading a session: %w", err)
	}
	values := make(map[string]any, len(s.Texts)+len(s.Numbers)+len(s.Bytes))
	for name, v := range s.Texts {
		values[name] = v
	}
	for name, v := range s.Numbers {
		values[name] = v
	}
	for name, v := range s.Bytes {
		values[name] = v
	}
	return s.Deadline, values, nil
}
