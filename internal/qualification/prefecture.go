package qualification

import "akashi/internal/person"

// prefectureOptions lists the 47 prefectures by their code (JIS X 0401) and, unless only Japan is meant, the choice for
// people without a family register in Japan.
func prefectureOptions(domestic bool) []Option {
	if domestic {
		return prefectures[:len(prefectures)-1]
	}
	return prefectures
}

// prefectures has the readings for plain Japanese; the last is for people from abroad. It is never changed.
var prefectures = []Option{
	{Value: "01", Label: Text{JA: "北海道", EN: "Hokkaido", Easy: "{北海道|ほっかいどう}"}},
	{Value: "02", Label: Text{JA: "青森県", EN: "Aomori", Easy: "{青森県|あおもりけん}"}},
	{Value: "03", Label: Text{JA: "岩手県", EN: "Iwate", Easy: "{岩手県|いわてけん}"}},
	{Value: "04", Label: Text{JA: "宮城県", EN: "Miyagi", Easy: "{宮城県|みやぎけん}"}},
	{Value: "05", Label: Text{JA: "秋田県", EN: "Akita", Easy: "{秋田県|あきたけん}"}},
	{Value: "06", Label: Text{JA: "山形県", EN: "Yamagata", Easy: "{山形県|やまがたけん}"}},
	{Value: "07", Label: Text{JA: "福島県", EN: "Fukushima", Easy: "{福島県|ふくしまけん}"}},
	{Value: "08", Label: Text{JA: "茨城県", EN: "Ibaraki", Easy: "{茨城県|いばらきけん}"}},
	{Value: "09", Label: Text{JA: "栃木県", EN: "Tochigi", Easy: "{栃木県|とちぎけん}"}},
	{Value: "10", Label: Text{JA: "群馬県", EN: "Gunma", Easy: "{群馬県|ぐんまけん}"}},
	{Value: "11", Label: Text{JA: "埼玉県", EN: "Saitama", Easy: "{埼玉県|さいたまけん}"}},
	{Value: "12", Label: Text{JA: "千葉県", EN: "Chiba", Easy: "{千葉県|ちばけん}"}},
	{Value: "13", Label: Text{JA: "東京都", EN: "Tokyo", Easy: "{東京都|とうきょうと}"}},
	{Value: "14", Label: Text{JA: "神奈川県", EN: "Kanagawa", Easy: "{神奈川県|かながわけん}"}},
	{Value: "15", Label: Text{JA: "新潟県", EN: "Niigata", Easy: "{新潟県|にいがたけん}"}},
	{Value: "16", Label: Text{JA: "富山県", EN: "Toyama", Easy: "{富山県|とやまけん}"}},
	{Value: "17", Label: Text{JA: "石川県", EN: "Ishikawa", Easy: "{石川県|いしかわけん}"}},
	{Value: "18", Label: Text{JA: "福井県", EN: "Fukui", Easy: "{福井県|ふくいけん}"}},
	{Value: "19", Label: Text{JA: "山梨県", EN: "Yamanashi", Easy: "{山梨県|やまなしけん}"}},
	{Value: "20", Label: Text{JA: "長野県", EN: "Nagano", Easy: "{長野県|ながのけん}"}},
	{Value: "21", Label: Text{JA: "岐阜県", EN: "Gifu", Easy: "{岐阜県|ぎふけん}"}},
	{Value: "22", Label: Text{JA: "静岡県", EN: "Shizuoka", Easy: "{静岡県|しずおかけん}"}},
	{Value: "23", Label: Text{JA: "愛知県", EN: "Aichi", Easy: "{愛知県|あいちけん}"}},
	{Value: "24", Label: Text{JA: "三重県", EN: "Mie", Easy: "{三重県|みえけん}"}},
	{Value: "25", Label: Text{JA: "滋賀県", EN: "Shiga", Easy: "{滋賀県|しがけん}"}},
	{Value: "26", Label: Text{JA: "京都府", EN: "Kyoto", Easy: "{京都府|きょうとふ}"}},
	{Value: "27", Label: Text{JA: "大阪府", EN: "Osaka", Easy: "{大阪府|おおさかふ}"}},
	{Value: "28", Label: Text{JA: "兵庫県", EN: "Hyogo", Easy: "{兵庫県|ひょうごけん}"}},
	{Value: "29", Label: Text{JA: "奈良県", EN: "Nara", Easy: "{奈良県|ならけん}"}},
	{Value: "30", Label: Text{JA: "和歌山県", EN: "Wakayama", Easy: "{和歌山県|わかやまけん}"}},
	{Value: "31", Label: Text{JA: "鳥取県", EN: "Tottori", Easy: "{鳥取県|とっとりけん}"}},
	{Value: "32", Label: Text{JA: "島根県", EN: "Shimane", Easy: "{島根県|しまねけん}"}},
	{Value: "33", Label: Text{JA: "岡山県", EN: "Okayama", Easy: "{岡山県|おかやまけん}"}},
	{Value: "34", Label: Text{JA: "広島県", EN: "Hiroshima", Easy: "{広島県|ひろしまけん}"}},
	{Value: "35", Label: Text{JA: "山口県", EN: "Yamaguchi", Easy: "{山口県|やまぐちけん}"}},
	{Value: "36", Label: Text{JA: "徳島県", EN: "Tokushima", Easy: "{徳島県|とくしまけん}"}},
	{Value: "37", Label: Text{JA: "香川県", EN: "Kagawa", Easy: "{香川県|かがわけん}"}},
	{Value: "38", Label: Text{JA: "愛媛県", EN: "Ehime", Easy: "{愛媛県|えひめけん}"}},
	{Value: "39", Label: Text{JA: "高知県", EN: "Kochi", Easy: "{高知県|こうちけん}"}},
	{Value: "40", Label: Text{JA: "福岡県", EN: "Fukuoka", Easy: "{福岡県|ふくおかけん}"}},
	{Value: "41", Label: Text{JA: "佐賀県", EN: "Saga", Easy: "{佐賀県|さがけん}"}},
	{Value: "42", Label: Text{JA: "長崎県", EN: "Nagasaki", Easy: "{長崎県|ながさきけん}"}},
	{Value: "43", Label: Text{JA: "熊本県", EN: "Kumamoto", Easy: "{熊本県|くまもとけん}"}},
	{Value: "44", Label: Text{JA: "大分県", EN: "Oita", Easy: "{大分県|おおいたけん}"}},
	{Value: "45", Label: Text{JA: "宮崎県", EN: "Miyazaki", Easy: "{宮崎県|みやざきけん}"}},
	{Value: "46", Label: Text{JA: "鹿児島県", EN: "Kagoshima", Easy: "{鹿児島県|かごしまけん}"}},
	{Value: "47", Label: Text{JA: "沖縄県", EN: "Okinawa", Easy: "{沖縄県|おきなわけん}"}},
	{Value: person.Abroad, Label: Text{JA: "外国籍（日本に本籍がない）", EN: "Nationality other than Japanese", Easy: "{外国|がいこく}の {国籍|こくせき}"}},
}
