package qualification_test

import (
	"strings"
	"testing"

	"akashi/internal/qualification"
)

// TestAmountsOfRows1To21 holds taxes and fees that depend on the class, the channel, the day or the applicant to the laws
// that the definitions name.
func TestAmountsOfRows1To21(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		id, procedure, channel, answers string // answers as "key=value key=value"
		want                            int64
	}{
		{"kaigo-fukushishi", "registration", "online", "", 9000 + 3320},
		{"seishin-hoken-fukushishi", "registration", "online", "", 15000 + 4050},
		{"konin-shinrishi", "registration", "online", "", 15000 + 7200},
		{"shakai-hoken-romushi", "registration", "online", "", 30000 + 30000},
		{"shakai-hoken-romushi", "change", "online", "change_name=yes", 5000},
		{"shakai-hoken-romushi", "change", "online", "change_name=", 2000},
		{"hoken-i", "registration", "online", "", 0},
		{"hoken-yakuzaishi", "reissue", "online", "", 0},
		{"zeirishi", "registration", "online", "", 60000 + 50000},
		{"kaigishi", "registration", "online", "rank=navigation-1", 15000},
		{"kaigishi", "registration", "online", "rank=engine-3", 9000},
		{"kaigishi", "registration", "online", "rank=navigation-4", 4500},
		{"kaigishi", "registration", "online", "rank=engine-5", 3000},
		{"kaigishi", "registration", "online", "rank=navigation-6", 2100},
		{"kaigishi", "registration", "online", "rank=radio-1", 7500},
		{"kaigishi", "registration", "online", "rank=radio-2", 6000},
		{"kaigishi", "registration", "online", "rank=radio-3", 2100},
		{"kaigishi", "registration", "online", "rank=electronic-radio-3", 7500},
		{"kaigishi", "registration", "online", "rank=electronic-radio-4", 2100},
		{"kaigishi", "change", "online", "", 1000},
		{"kaigishi", "renewal", "online", "", 1600},
		{"kaigishi", "renewal", "counter", "", 1700},
		{"kaigishi", "limitation", "counter", "", 1300},
		{"kaigishi", "reissue", "online", "", 1400},
		{"kogata-senpaku-sojushi", "registration", "online", "rank=first", 2000},
		{"kogata-senpaku-sojushi", "registration", "online", "rank=second", 1800},
		{"kogata-senpaku-sojushi", "registration", "online", "rank=special", 1500},
		{"kogata-senpaku-sojushi", "change", "online", "", 1150},
		{"kogata-senpaku-sojushi", "renewal", "counter", "", 1350},
		{"kogata-senpaku-sojushi", "limitation", "online", "", 1050},
		{"gyosei-shoshi", "registration", "online", "", 30000 + 25000},
		{"shiho-shiken", "registration", "online", "", 0},
		{"kenchikubutsu-kankyo-eisei", "registration", "counter", "", 2300},
		{"career-consultant", "registration", "online", "", 9000 + 8000},
		{"career-consultant", "renewal", "online", "", 8000},
		{"career-consultant", "reissue", "online", "", 2000},
		{"rodo-anzen-menkyo", "registration", "online", "", 1450},
		{"rodo-anzen-menkyo", "renewal", "counter", "", 1500},
		{"kenchiku-kijun-hantei", "registration", "online", "rank=first employer=other", 10000 + 13000},
		{"kenchiku-kijun-hantei", "registration", "online", "rank=second employer=other", 5000 + 13000},
		{"kenchiku-kijun-hantei", "registration", "counter", "rank=first employer=other", 10000 + 15000},
		{"kenchiku-kijun-hantei", "registration", "counter", "rank=first employer=local", 10000},
		{"kozo-keisan-hantei", "registration", "online", "employer=other", 10000 + 10000},
		{"kozo-keisan-hantei", "registration", "counter", "employer=other", 10000 + 12000},
		{"kozo-keisan-hantei", "change", "online", "employer=local", 0},
	} {
		d, _ := c.Definition(x.id)
		f := factsOf(t, d, "2026-12-01")
		f.Channel, f.Answers = x.channel, pairs(x.answers)
		lines, err := d.Procedure(x.procedure).FeeLines(f)
		if got := qualification.Total(lines); err != nil || got != x.want {
			t.Errorf("%s %s %s %s: %d yen, want %d (%v)", x.id, x.procedure, x.channel, x.answers, got, x.want, err)
		}
	}
}

func pairs(s string) map[string]string {
	m := map[string]string{}
	for _, p := range strings.Fields(s) {
		key, value, _ := strings.Cut(p, "=")
		m[key] = value
	}
	return m
}

// TestLocalBodiesExist: whatever the applicant chooses, the local body that forwards is one of registrars.yaml.
func TestLocalBodiesExist(t *testing.T) {
	c := load(t)
	for _, x := range []struct{ id, field, channel string }{
		{"shakai-hoken-romushi", "association", "online"}, {"zeirishi", "association", "online"}, {"gyosei-shoshi", "association", "online"},
		{"kaigishi", "bureau", "counter"}, {"kogata-senpaku-sojushi", "bureau", "counter"},
	} {
		d, _ := c.Definition(x.id)
		for _, procedure := range []string{"registration", "change"} {
			p := d.Procedure(procedure)
			for _, o := range p.Field(x.field).Choices() {
				f := factsOf(t, d, "2026-12-01")
				f.Channel, f.Answers = x.channel, map[string]string{x.field: o.Value}
				route, err := p.RouteFor(f)
				if err != nil || route[0].Step != "forward" {
					t.Errorf("%s %s %s: %+v %v", x.id, procedure, o.Value, route, err)
					continue
				}
				if _, ok := c.Registrar(route[0].Body); !ok {
					t.Errorf("%s %s: no body %q", x.id, procedure, route[0].Body)
				}
			}
		}
	}
}

// TestForwardingOfBuildingReviewersEnded: papers went through the governor up to 2025-11-30, and go to the minister since.
func TestForwardingOfBuildingReviewersEnded(t *testing.T) {
	c := load(t)
	for _, id := range []string{"kenchiku-kijun-hantei", "kozo-keisan-hantei"} {
		d, _ := c.Definition(id)
		for on, want := range map[string]string{"2025-11-30": "pref-13", "2025-12-01": "mlit"} {
			f := factsOf(t, d, on)
			f.Channel, f.Answers = qualification.ChannelCounter, map[string]string{"forwarded_by": "13"}
			route, err := d.Procedure("registration").RouteFor(f)
			if err != nil || route[0].Body != want {
				t.Errorf("%s on %s: %+v %v", id, on, route, err)
			}
		}
	}
}

// TestTermsOfRows1To21: five years with the window of 90 to 30 days, five years of a ship's certificate, and two years of
// boiler welders alone.
func TestTermsOfRows1To21(t *testing.T) {
	c := load(t)
	for _, x := range []struct{ id, items, want, opens, closes string }{
		{"career-consultant", "", "2031-11-30", "2031-09-01", "2031-10-31"},
		{"kaigishi", "rank=navigation-3", "2031-11-30", "2030-11-30", "2031-11-30"},
		{"rodo-anzen-menkyo", "licence=yosetsu-futsu", "2028-11-30", "", "2028-11-30"},
		{"rodo-anzen-menkyo", "licence=boiler-2", "", "", ""},
		{"shakai-fukushishi", "", "", "", ""},
	} {
		d, _ := c.Definition(x.id)
		until, err := d.ExpiresOn(pairs(x.items), day(t, "2026-12-01"))
		if err != nil || until.String() != x.want {
			t.Errorf("%s %s: ends on %s, want %s (%v)", x.id, x.items, until, x.want, err)
		}
		if until.IsZero() {
			continue
		}
		if from, to := d.RenewalWindow(until); from.String() != x.opens || to.String() != x.closes {
			t.Errorf("%s %s: renewed from %s to %s", x.id, x.items, from, to)
		}
	}
}
