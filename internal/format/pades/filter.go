package pades

import (
	"bytes"
	"compress/zlib"
	"io"
)

// maxInflated is the longest stream that is read, inflated.
const maxInflated = 16 << 20

// inflate decodes a stream that is plain or deflated, with the predictors that cross-references are written with.
func inflate(s *stream) ([]byte, error) {
	filter := s.dict.get("Filter")
	if a, ok := filter.(array); ok && len(a) == 1 {
		filter = a[0]
	}
	if filter == nil {
		return s.raw, nil
	}
	if filter != name("FlateDecode") {
		return nil, refuse(Malformed, "filter of a stream that is needed")
	}
	z, err := zlib.NewReader(bytes.NewReader(s.raw))
	if err != nil {
		return nil, refuseFor(Malformed, "deflated stream", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxInflated+1))
	if err != nil {
		return nil, refuseFor(Malformed, "deflated stream", err)
	}
	if len(out) > maxInflated {
		return nil, refuse(TooLarge, "inflated stream")
	}
	parameters := s.dict.get("DecodeParms")
	if a, ok := parameters.(array); ok && len(a) == 1 {
		parameters = a[0]
	}
	d, _ := parameters.(dict)
	return unpredict(out, d)
}

// unpredict undoes the predictors of PNG (ISO 32000-1 §7.4.4.4), for samples of one byte.
func unpredict(data []byte, d dict) ([]byte, error) {
	predictor, _ := d.get("Predictor").(int64)
	if predictor < 2 {
		return data, nil
	}
	columns, ok := d.get("Columns").(int64)
	if !ok {
		columns = 1
	}
	if predictor < 10 || columns < 1 || columns > 1<<16 || d.has("Colors") || d.has("BitsPerComponent") || len(data)%int(columns+1) != 0 {
		return nil, refuse(Malformed, "predictor of a stream")
	}
	row := int(columns)
	out := make([]byte, 0, len(data))
	above := make([]byte, row)
	for ; len(data) > 0; data = data[row+1:] {
		line := append([]byte{}, data[1:row+1]...)
		for i := range line {
			var left, corner byte
			if i > 0 {
				left, corner = line[i-1], above[i-1]
			}
			switch data[0] {
			case 0:
			case 1:
				line[i] += left
			case 2:
				line[i] += above[i]
			case 3:
				line[i] += byte((int(left) + int(above[i])) / 2)
			case 4:
				line[i] += paeth(left, above[i], corner)
			default:
				return nil, refuse(Malformed, "predictor of a line")
			}
		}
		out, above = append(out, line...), line
	}
	return out, nil
}

// paeth chooses the neighbour that is nearest to left + above - corner (PNG specification §9.4).
func paeth(left, above, corner byte) byte {
	p := int(left) + int(above) - int(corner)
	a, b, c := distance(p, left), distance(p, above), distance(p, corner)
	switch {
	case a <= b && a <= c:
		return left
	case b <= c:
		return above
	}
	return corner
}

func distance(p int, v byte) int {
	if d := p - int(v); d >= 0 {
		return d
	}
	return int(v) - p
}
