package qualification

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Amount is a whole number, yen or months, that a definition gives as a number or as a CEL expression of type int.
type Amount struct {
	Number int64
	CEL    string // empty when Number holds

	expr *expression
}

// UnmarshalJSON reads a number or a string with an expression.
func (a *Amount) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &a.CEL)
	}
	return json.Unmarshal(b, &a.Number)
}

// String gives the number or the expression.
func (a Amount) String() string {
	if a.CEL != "" {
		return a.CEL
	}
	return strconv.FormatInt(a.Number, 10)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.CEL != "" {
		return json.Marshal(a.CEL)
	}
	return json.Marshal(a.Number)
}

// value works the amount out. A negative one is refused: nothing in a definition pays back.
func (a Amount) value(f Facts) (int64, error) {
	n := a.Number
	if a.expr != nil {
		v, err := a.expr.evaluate(f)
		if err != nil {
			return 0, err
		}
		var ok bool
		if n, ok = v.(int64); !ok {
			return 0, fmt.Errorf("evaluating %q: got %T, not a number", a.CEL, v)
		}
	}
	if n < 0 {
		return 0, wrong("cel-negative", a.CEL, n)
	}
	return n, nil
}
