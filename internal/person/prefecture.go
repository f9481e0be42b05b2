package person

import (
	"fmt"
	"strconv"
	"strings"
)

// Prefecture is one of the 47.
type Prefecture struct {
	Code string // two digits of JIS X 0401
	JA   string // "佐賀県"
	EN   string // "Saga"
}

// LGCode returns the prefecture's 全国地方公共団体コード with its check digit, "410004".
func (p Prefecture) LGCode() string {
	digit, err := LGCheckDigit(p.Code + "000")
	if err != nil {
		panic(err) // the codes of this package are digits
	}
	return p.Code + "000" + strconv.Itoa(digit)
}

// Prefectures returns the 47 in the order of JIS X 0401, north to south.
func Prefectures() []Prefecture {
	const list = "北海道 Hokkaido,青森県 Aomori,岩手県 Iwate,宮城県 Miyagi,秋田県 Akita,山形県 Yamagata,福島県 Fukushima," +
		"茨城県 Ibaraki,栃木県 Tochigi,群馬県 Gunma,埼玉県 Saitama,千葉県 Chiba,東京都 Tokyo,神奈川県 Kanagawa," +
		"新潟県 Niigata,富山県 Toyama,石川県 Ishikawa,福井県 Fukui,山梨県 Yamanashi,長野県 Nagano,岐阜県 Gifu,静岡県 Shizuoka," +
		"愛知県 Aichi,三重県 Mie,滋賀県 Shiga,京都府 Kyoto,大阪府 Osaka,兵庫県 Hyogo,奈良県 Nara,和歌山県 Wakayama," +
		"鳥取県 Tottori,島根県 Shimane,岡山県 Okayama,広島県 Hiroshima,山口県 Yamaguchi,徳島県 Tokushima,香川県 Kagawa," +
		"愛媛県 Ehime,高知県 Kochi,福岡県 Fukuoka,佐賀県 Saga,長崎県 Nagasaki,熊本県 Kumamoto,大分県 Oita,宮崎県 Miyazaki," +
		"鹿児島県 Kagoshima,沖縄県 Okinawa"
	var out []Prefecture
	for i, entry := range strings.Split(list, ",") {
		ja, en, _ := strings.Cut(entry, " ")
		out = append(out, Prefecture{fmt.Sprintf("%02d", i+1), ja, en})
	}
	return out
}

// PrefectureByCode returns the prefecture with the code of JIS X 0401.
func PrefectureByCode(code string) (Prefecture, bool) {
	for _, p := range Prefectures() {
		if p.Code == code {
			return p, true
		}
	}
	return Prefecture{}, false
}

// PrefectureOfAddress returns the prefecture with which an address begins.
func PrefectureOfAddress(address string) (Prefecture, bool) {
	for _, p := range Prefectures() {
		if strings.HasPrefix(address, p.JA) {
			return p, true
		}
	}
	return Prefecture{}, false
}
