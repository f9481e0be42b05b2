package pdf

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// dictionary is the document information (ISO 32000-1 §14.3.3).
func (i Info) dictionary() string {
	date := textString("D:" + i.Created.Format("20060102150405-07'00'"))
	return fmt.Sprintf("<< /Title %s /Author %s /Subject %s /Producer %s /CreationDate %s /ModDate %s >>",
		textString(i.Title), textString(i.Author), textString(i.Subject), textString(i.Producer), date, date)
}

// xmp is the same as XMP (ISO 16684-1), with the declaration of PDF/A-2B (ISO 19005-2 §6.6.4). It is not compressed, so
// that a program that knows no PDF can find it.
func (i Info) xmp() []byte {
	at := i.Created.Format("2006-01-02T15:04:05-07:00")
	var b bytes.Buffer
	b.WriteString("<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` + "\n" +
		`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"` +
		` xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">` + "\n")
	fmt.Fprintf(&b, "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>\n<dc:format>application/pdf</dc:format>\n")
	fmt.Fprintf(&b, "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">%s</rdf:li></rdf:Alt></dc:title>\n", escaped(i.Title))
	fmt.Fprintf(&b, "<dc:creator><rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq></dc:creator>\n", escaped(i.Author))
	fmt.Fprintf(&b, "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">%s</rdf:li></rdf:Alt></dc:description>\n", escaped(i.Subject))
	fmt.Fprintf(&b, "<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>\n", escaped(i.Lang))
	fmt.Fprintf(&b, "<pdf:Producer>%s</pdf:Producer>\n", escaped(i.Producer))
	fmt.Fprintf(&b, "<xmp:CreateDate>%s</xmp:CreateDate><xmp:ModifyDate>%s</xmp:ModifyDate><xmp:MetadataDate>%s</xmp:MetadataDate>\n", at, at, at)
	b.WriteString("</rdf:Description>\n</rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>")
	return b.Bytes()
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer never fails to be written
	return b.String()
}

// outputIntent says what the colours mean (ISO 19005-2 §6.2.3): sRGB, by a profile of our own.
func (f *file) outputIntent() ref {
	profile := f.stream("/N 3 ", sRGB())
	return f.add("<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB IEC61966-2.1) /Info (sRGB IEC61966-2.1) /DestOutputProfile %s >>", profile)
}
