package qualification

import (
	"fmt"
	"slices"
)

// The inquiries, and the particulars of their answers that expressions can read. Each has "class", "" until it was asked.
const (
	InquiryResident = "resident"
	InquiryFamily   = "family"
)

var (
	residentKeys = []string{"class", "name", "kana", "former_name", "birth_date", "sex", "address"}
	familyKeys   = []string{"class", "name", "domicile", "nationality"}

	residentPrefills = []string{"resident.name", "resident.kana", "resident.birth_date", "resident.sex", "resident.address"}
)

// InquiryUsable tells whether an answer of a registry makes a certificate unnecessary. A class that is not known counts
// as unusable: then a document is asked for, and a person decides. The answer that somebody has died is usable, because
// no certificate can put it right. So is one that withholds the address: the certificate would tell what is protected.
func InquiryUsable(inquiry, class string) bool {
	switch inquiry {
	case InquiryResident:
		return class == "match_alive" || class == "match_deceased" || class == "withheld"
	case InquiryFamily:
		return class == "determined"
	}
	return false
}

// EvidenceFor returns the documents that a case needs, in order. A document that replaces a registry's answer is not
// among them until that registry has answered, and then only when the answer is not usable. Those with Required must be
// handed in; the others may be.
func (p *Procedure) EvidenceFor(f Facts) ([]Evidence, error) {
	var asked []Evidence
	for i := range p.Evidence {
		e := &p.Evidence[i]
		wanted, err := e.when.holds(f)
		if err != nil {
			return nil, fmt.Errorf("deciding on the document %s: %w", e.ID, err)
		}
		if wanted && e.replacesNothingUsable(f) {
			asked = append(asked, *e)
		}
	}
	return asked, nil
}

func (e *Evidence) replacesNothingUsable(f Facts) bool {
	class := ""
	switch e.Replaces {
	case "":
		return true
	case InquiryResident:
		class = f.Resident["class"]
	case InquiryFamily:
		class = f.Family["class"]
	}
	return class != "" && !InquiryUsable(e.Replaces, class)
}

// Document returns the document with the id, or nil.
func (p *Procedure) Document(id string) *Evidence {
	i := slices.IndexFunc(p.Evidence, func(e Evidence) bool { return e.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Evidence[i]
}
