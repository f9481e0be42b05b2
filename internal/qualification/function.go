package qualification

import (
	"slices"

	"akashi/internal/calendar"
)

// The functions around a digital credential that a register can use or leave out (選択的利用): by the pattern of its definition,
// and from a day on by acts that lie over it. What was handed out while a function was used stays what it is.
const (
	FunctionPDF    = "pdf"    // the signed PDF is made
	FunctionWallet = "wallet" // copies are given to wallets (OpenID4VCI)
	FunctionCode   = "code"   // compact QR codes are made to be handed out
	FunctionNumber = "number" // the number of a credential alone is answered with its status
	FunctionWatch  = "watch"  // registered verifiers can ask to be told of changes
)

// Functions lists those functions in the order in which pages show them.
var Functions = []string{FunctionPDF, FunctionWallet, FunctionCode, FunctionNumber, FunctionWatch}

// Using tells whether a register uses a function on a day, by the definition and the acts that this process knows. Of what has
// been used from the beginning, Since is zero. Listed is false where no digital credentials are issued at all.
func (c *Catalogue) Using(register, function string, day calendar.Date) Offering {
	g, ok := c.held.Load().registers[register]
	if !ok {
		return Offering{}
	}
	return c.UsingUnder(c.Acts().Of(g.Qualification), register, function, day)
}

// Uses tells whether a register uses a function on a day.
func (c *Catalogue) Uses(register, function string, day calendar.Date) bool {
	return c.Using(register, function, day).Open
}

// UsingUnder is Using under other acts of the qualification, in the order of their days.
func (c *Catalogue) UsingUnder(acts []Act, register, function string, day calendar.Date) Offering {
	g, ok := c.held.Load().registers[register]
	if !ok || !slices.Contains(Functions, function) || !c.held.Load().registrars[g.Registrar].Has(FunctionCredential) {
		return Offering{}
	}
	o := Offering{Listed: true}
	if g.Functions == nil || slices.Contains(g.Functions, function) {
		o.Open = true
	}
	for i := range acts {
		a := &acts[i]
		if (a.Kind == ActUse || a.Kind == ActUnuse) && slices.Contains(a.Bodies, g.Registrar) && slices.Contains(a.Functions, function) {
			o.take(turn{on: a.On, open: a.Kind == ActUse, act: a.ID}, day)
		}
	}
	return o
}
