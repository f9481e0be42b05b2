package qualification

import "akashi/internal/calendar"

// Register is one register: a qualification at a registrar.
type Register struct {
	ID            string           `json:"id"`   // "<qualification>.<registrar>", e.g. "kangoshi.mhlw"
	Code          string           `json:"code"` // four characters [A-Z0-9]; every public id of the register begins with it
	Qualification string           `json:"-"`
	Registrar     string           `json:"registrar"`
	OpensOn       calendar.Date    `json:"opens_on"`
	Rollout       string           `json:"rollout"` // open | planned | closed
	Procedures    map[string]Offer `json:"procedures,omitempty"`
}

// Offer says since when a procedure is open at one register, by channel.
type Offer struct {
	Online  calendar.Date `json:"online,omitzero"`  // zero: not offered
	Counter calendar.Date `json:"counter,omitzero"` // zero: not offered
}

// Registrar is a body that keeps registers: the tenant.
type Registrar struct {
	ID       string        `json:"id"` // e.g. "mhlw", "sssc", "pref-41"
	Name     Text          `json:"name"`
	Head     Text          `json:"head"`              // in whose name it issues, e.g. 厚生労働大臣, 佐賀県知事
	Kind     string        `json:"kind"`              // ministry | designated | prefecture | federation
	LGCode   string        `json:"lg_code,omitempty"` // 全国地方公共団体コード with its check digit, for local governments
	Parent   string        `json:"parent,omitempty"`  // the ministry that designated it, "" when none
	OpenedOn calendar.Date `json:"opened_on"`         // since when it is on this platform
	Contact  Text          `json:"contact"`
	PaperWay Text          `json:"paper_way"` // how to file on paper
	Fact     Fact          `json:"fact"`
}
