package job

import (
	"fmt"
	"reflect"
	"regexp"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"akashi/internal/fault"
)

// plainID is what a string among the arguments may be: an id, a code or a version. No name fits, Japanese or spaced,
// and no address.
var plainID = regexp.MustCompile(`^[A-Za-z0-9._:/-]{0,120}$`)

// individualNumber is the shape of the one secret that would pass for an id (個人番号, 12 digits).
var individualNumber = regexp.MustCompile(`^[0-9]{12}$`)

// CheckArgs refuses arguments that could carry somebody's data: only fields of type string, uuid.UUID and integer, and
// only plain ids in the strings. A refusal is a mistake in the program.
func CheckArgs(args river.JobArgs) error {
	v := reflect.ValueOf(args)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return refuse(args, "they are not a struct")
	}
	for i := range v.NumField() {
		if why := checkField(v.Field(i)); why != "" {
			return refuse(args, "the field "+v.Type().Field(i).Name+" "+why)
		}
	}
	return nil
}

func checkField(f reflect.Value) (why string) {
	if f.Type() == reflect.TypeFor[uuid.UUID]() {
		return ""
	}
	switch f.Kind() {
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		return ""
	case reflect.String:
		if !plainID.MatchString(f.String()) || individualNumber.MatchString(f.String()) {
			return "is not a plain id"
		}
		return ""
	}
	return "has the type " + f.Type().String() + "; arguments carry ids only"
}

func refuse(args river.JobArgs, why string) error {
	return fault.New(fault.Internal, "", fmt.Sprintf("arguments of %s: %s", args.Kind(), why))
}
