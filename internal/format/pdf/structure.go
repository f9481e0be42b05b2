package pdf

import (
	"fmt"
	"strings"
)

// Element is an element of the document's logical structure (ISO 32000-1 §14.7): what a screen reader reads, in order.
// It has pieces of content or further elements.
type Element struct {
	Type  string // a standard structure type: Document, H1, P, Table, TR, TH, TD, Figure, Link, Span, …
	Lang  string // where it is not that of the document
	Alt   string // of a figure, in words
	Scope string // of a TH: Row or Column
	Box   *Box   // of a figure, where it stands
	Page  int
	Marks []Mark
	Kids  []*Element

	self ref
}

// Box is a rectangle in points, from the upper left corner of the page.
type Box struct{ X, Y, Width, Height float64 }

// Add appends an element and returns it.
func (e *Element) Add(kid *Element) *Element {
	e.Kids = append(e.Kids, kid)
	return kid
}

// Link is a place on a page that leads to an address.
type Link struct {
	Box     Box
	URI     string
	Text    string   // what it is, in words
	Element *Element // a Link element, whose text it is
}

// tree writes the structure: elements, and for each piece of content and each link the element that it belongs to.
type tree struct {
	*file
	doc     *Document
	pages   []ref
	links   []ref   // annotations, in the document's order
	parents [][]ref // of each page, of each mark
}

// reserveAll numbers the elements in reading order.
func (t *tree) reserveAll(e *Element) {
	e.self = t.reserve()
	for _, kid := range e.Kids {
		t.reserveAll(kid)
	}
}

func (t *tree) writeAll(e *Element, parent ref) error {
	var kids []string
	for _, m := range e.Marks {
		if e.Page < 0 || e.Page >= len(t.parents) || int(m) < 0 || int(m) >= len(t.parents[e.Page]) || t.parents[e.Page][m] != 0 {
			return fmt.Errorf("writing the structure: %s names content %d of page %d, which is not there or another's", e.Type, m, e.Page)
		}
		t.parents[e.Page][m] = e.self
		kids = append(kids, fmt.Sprint(int(m)))
	}
	for i, l := range t.doc.Links {
		if l.Element == e {
			kids = append(kids, fmt.Sprintf("<< /Type /OBJR /Obj %s >>", t.links[i]))
		}
	}
	for _, kid := range e.Kids {
		if err := t.writeAll(kid, e.self); err != nil {
			return err
		}
		kids = append(kids, kid.self.String())
	}
	page := ""
	if len(e.Marks) > 0 {
		page = " /Pg " + t.pages[e.Page].String()
	}
	t.put(e.self, "<< /Type /StructElem /S /%s /P %s%s%s /K [%s] >>", e.Type, parent, page, t.particulars(e), strings.Join(kids, " "))
	return nil
}

// particulars writes an element's entries besides its place.
func (t *tree) particulars(e *Element) string {
	out := ""
	if e.Lang != "" {
		out += " /Lang " + textString(e.Lang)
	}
	if e.Alt != "" {
		out += " /Alt " + textString(e.Alt)
	}
	if e.Scope != "" {
		out += " /A << /O /Table /Scope /" + e.Scope + " >>"
	}
	if e.Box != nil {
		out += " /A << /O /Layout /Placement /Block /BBox " + e.Box.within(t.doc.plate.sizes[e.Page][1]) + " >>"
	}
	return out
}

// within writes a rectangle as a PDF has it, from the lower left corner.
func (b Box) within(height float64) string {
	return "[" + number(b.X) + " " + number(height-b.Y-b.Height) + " " + number(b.X+b.Width) + " " + number(height-b.Y) + "]"
}

// parentTree writes the way back from content to elements (§14.7.4.4): a list for each page, an element for each link.
func (t *tree) parentTree() (ref, int, error) {
	var b strings.Builder
	for i, marks := range t.parents {
		fmt.Fprintf(&b, "%d [", i)
		for m, e := range marks {
			if e == 0 {
				return 0, 0, fmt.Errorf("writing the structure: content %d of page %d belongs to no element", m, i)
			}
			b.WriteString(e.String() + " ")
		}
		b.WriteString("] ")
	}
	for i, l := range t.doc.Links {
		fmt.Fprintf(&b, "%d %s ", len(t.parents)+i, l.Element.self)
	}
	return t.add("<< /Nums [%s] >>", b.String()), len(t.parents) + len(t.doc.Links), nil
}
