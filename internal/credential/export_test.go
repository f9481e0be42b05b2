package credential

// DrawOnly makes the issuer draw only these places.
func (i *Issuer) DrawOnly(places ...int32) {
	i.draw = func() ([]int32, error) { return places, nil }
}
