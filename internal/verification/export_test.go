package verification

// Waiting is how many questions wait to travel together.
func (v *Verifier) Waiting() int {
	v.together.mu.Lock()
	defer v.together.mu.Unlock()
	return len(v.together.waiting)
}
