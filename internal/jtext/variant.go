package jtext

import "sync"

// variantGroup is one source of variants. Pairs holds "variant, standard" as two adjacent characters, pairs divided by
// a space; compatibility ideographs are escaped, because editors and tools tend to replace them.
type variantGroup struct {
	Source string
	Pairs  string
}

// variantGroups lists the folds that search keys make among the kanji of names. They are for finding, never for
// deciding that two people are the same.
//
// The pairs of the first three groups were each compared with Unihan_Variants 15.0, the cross references of KANJIDIC or the
// alternates of Noto Serif CJK JP, and found there, except 薗園 渴渇 寬寛 薰薫 揭掲 涉渉 瀨瀬 巢巣 增増 徵徴 德徳 步歩 每毎 綠緑
// 曆暦 鍊錬 錄録 淸清 靑青 甁瓶 旣既 槪概 產産 閱閲 尙尚 姬姫, which those files do not link and which stand on the named
// source, recalled. The fourth was not found in any of them: unverified. The fifth is checked by a test against the canonical
// decompositions of Unicode.
func variantGroups() []variantGroup {
	return []variantGroup{
		{
			"戸籍法施行規則 (昭和22年司法省令94号) 別表第二「漢字の表」二: older forms of 常用漢字 that may be used in names",
			"亞亜 惡悪 爲為 榮栄 衞衛 圓円 緣縁 薗園 應応 櫻桜 奧奥 橫横 溫温 價価 壞壊 懷懐 樂楽 渴渇 卷巻 陷陥 寬寛 氣気 僞偽 戲戯 虛虚 峽峡 狹狭 曉暁 " +
				"駈駆 勳勲 薰薫 惠恵 揭掲 鷄鶏 藝芸 擊撃 縣県 儉倹 劍剣 險険 圈圏 檢検 顯顕 驗験 嚴厳 廣広 恆恒 黃黄 國国 黑黒 碎砕 雜雑 兒児 濕湿 實実 壽寿 " +
				"收収 從従 澁渋 獸獣 縱縦 緖緒 敍叙 將将 涉渉 燒焼 奬奨 條条 狀状 乘乗 淨浄 剩剰 疊畳 孃嬢 讓譲 釀醸 眞真 寢寝 愼慎 盡尽 粹粋 醉酔 穗穂 瀨瀬 " +
				"齊斉 靜静 攝摂 專専 戰戦 纖繊 禪禅 壯壮 爭争 莊荘 搜捜 巢巣 曾曽 裝装 瘦痩 騷騒 增増 藏蔵 臟臓 卽即 帶帯 滯滞 瀧滝 單単 團団 彈弾 晝昼 鑄鋳 " +
				"廳庁 徵徴 聽聴 鎭鎮 轉転 傳伝 嶋島 燈灯 盜盗 稻稲 德徳 拜拝 盃杯 賣売 髮髪 拔抜 晚晩 祕秘 冨富 拂払 佛仏 步歩 峯峰 飜翻 每毎 萬万 默黙 埜野 " +
				"彌弥 藥薬 與与 搖揺 樣様 謠謡 來来 賴頼 覽覧 龍竜 凉涼 綠緑 淚涙 壘塁 禮礼 曆暦 歷歴 鍊錬 錄録",
		},
		{
			"常用漢字表 (平成22年内閣告示2号): 康熙字典体 in brackets, and the like relation among 人名用漢字 and 表外漢字 (表外漢字字体表, 2000)",
			"澤沢 邊辺 齋斎 濱浜 學学 鐵鉄 關関 鹽塩 豐豊 當当 會会 體体 變変 擇択 釋釈 驛駅 譯訳 圖図 處処 號号 觀観 權権 歡歓 勸勧 舊旧 區区 毆殴 歐欧 " +
				"驅駆 鷗鴎 假仮 繪絵 擴拡 覺覚 舍舎 寫写 辭辞 總総 聰聡 聲声 數数 隨随 髓髄 樞枢 淺浅 錢銭 踐践 殘残 淸清 靑青 潛潜 雙双 屬属 續続 墮堕 對対 " +
				"臺台 擔担 膽胆 斷断 癡痴 遲遅 蟲虫 點点 黨党 鬪闘 獨独 讀読 屆届 惱悩 腦脳 霸覇 廢廃 發発 蠻蛮 甁瓶 竝並 辨弁 寶宝 豫予 餘余 譽誉 灣湾 滿満 " +
				"亂乱 兩両 獵猟 勵励 靈霊 隸隷 戀恋 爐炉 勞労 樓楼 郞郎 鄕郷 敎教 旣既 槪概 產産 彥彦 顏顔 內内 吳呉 娛娯 悅悦 閱閲 脫脱 說説 稅税 銳鋭 敕勅 " +
				"戶戸 絕絶 緜綿 麥麦 麵麺 龜亀 壹壱 貳弐 參参 醫医 隱隠 營営 嶽岳 巖巌 濟済 劑剤 贊賛 絲糸 齒歯 肅粛 觸触 囑嘱 晉晋 堯尭 遙遥 瑤瑶 祿禄 穰穣 " +
				"亙亘 萠萌 檜桧 槇槙 凜凛 禰祢 禱祷 昻昂 晄晃 曻昇 蔣蒋 濤涛 螢蛍 礪砺 邇迩 籠篭 壺壷 蟬蝉 蠟蝋 頰頬 顚顛 噓嘘 焰焔 攜携 據拠 擧挙 歸帰 歲歳 " +
				"尙尚 啟啓 查査 柹柿 沒没 潑溌 畫画 輕軽 遞逓 鄰隣 鑛鉱 飮飲 鶯鴬 藪薮 驒騨 鬭闘 齡齢 經経 莖茎 徑径 繼継 獻献 效効 鑒鑑 諫諌 嚙噛 繫繋 搔掻 " +
				"摑掴 攪撹 枡桝 梼檮 簞箪 籖籤 囊嚢 萊莱 蘆芦 醬醤 醱醗 鹼鹸 麴麹 塡填 屛屏 幷并 竈竃 筝箏 艷艶 姬姫 姸妍 畧略 辯弁 瓣弁 罐缶 缺欠 廐厩",
		},
		{
			"popular and vulgar forms (俗字) that registers of names carry",
			"髙高 﨑崎 嵜崎 濵浜 栁柳 桺柳 邉辺 渕淵 渊淵 嶌島 圀国 𠮷吉 桒桑 槗橋 舘館 靏鶴 靎鶴 剱剣 劒剣 劔剣 穐秋 秌秋 龝秋 枩松 栢柏 邨村 翆翠 冝宜 " +
				"喆哲 羣群 濶闊 煕熙 斋斎 曺曹 畄留 畱留 籔薮 蕋蕊 蘂蕊 銕鉄 閒間 壻婿 姊姉 宻密 寳宝 帋紙 徃往 懽歓 昿曠 朖朗 棊棋 楳梅 槑梅 欝鬱 汙汚 泪涙 " +
				"熈熙 尓爾 尔爾 畴疇 皈帰 皋皐 砿鉱 竒奇 笋筍 籘藤 粮糧 糺糾 綉繍 綫線 耻恥 脉脈 舩船 菴庵 葊庵 蛎蠣 裡裏 觧解 溪渓 賎賤 迯逃 鈎鉤 鋪舗 舖舗 " +
				"閇閉 雞鶏 韭韮 騐験 鴈雁 鵞鵝 㟢崎 逹達 爼俎 侭儘 仭仞 兔兎 冱冴 卆卒 卋世 丗世 吞呑 囘回 囬回 埀垂 塲場 夛多 夘卯 夲本 峩峨 嶹島 巵卮 廵巡",
		},
		{
			"forms known from family registers, unverified; 斉 and 斎 are different characters that are confused in surnames",
			"斉斎 圡土 𡈽土 𣘺橋 寉鶴 惪徳 悳徳 斊斎 亝斎 齐斎 嵒巌 嵓巌 巗巌 杦杉 桞柳 㐂喜 㔟勢",
		},
		{
			"CJK compatibility ideographs of JIS X 0213 and of vendor sets (Unicode 15, UnicodeData canonical decompositions)",
			"\uF91D欄 \uF928廊 \uF929朗 \uF9DC隆 \uFA10塚 \uFA12晴 \uFA16猪 \uFA17益 \uFA18礼 \uFA19神 \uFA1A祥 \uFA1B福 " +
				"\uFA1C靖 \uFA1D精 \uFA1E羽 \uFA20蘒 \uFA22諸 \uFA25逸 \uFA26都 \uFA2A飯 \uFA2B飼 \uFA2C館 \uFA2D鶴 \uFA2E郞 " +
				"\uFA30侮 \uFA31僧 \uFA32免 \uFA33勉 \uFA34勤 \uFA35卑 \uFA36喝 \uFA37嘆 \uFA38器 \uFA39塀 \uFA3A墨 \uFA3B層 " +
				"\uFA3D悔 \uFA3E慨 \uFA3F憎 \uFA40懲 \uFA41敏 \uFA42既 \uFA43暑 \uFA44梅 \uFA45海 \uFA46渚 \uFA47漢 \uFA48煮 " +
				"\uFA4A琢 \uFA4B碑 \uFA4C社 \uFA4D祉 \uFA4E祈 \uFA4F祐 \uFA50祖 \uFA51祝 \uFA52禍 \uFA53禎 \uFA54穀 \uFA55突 " +
				"\uFA56節 \uFA57練 \uFA58縉 \uFA59繁 \uFA5A署 \uFA5B者 \uFA5C臭 \uFA5F著 \uFA60褐 \uFA61視 \uFA62謁 \uFA63謹 " +
				"\uFA64賓 \uFA65贈 \uFA67逸 \uFA68難 \uFA69響 \uFA6A頻",
		},
	}
}

var variants = sync.OnceValue(func() map[rune]rune { return buildVariants(variantGroups()) })

// buildVariants reads the pairs and resolves chains (齊 to 斉 to 斎), so that one step of folding is enough.
func buildVariants(groups []variantGroup) map[rune]rune {
	m := map[rune]rune{}
	for _, g := range groups {
		r := []rune(g.Pairs)
		for i := 0; i+1 < len(r); i += 3 {
			m[r[i]] = r[i+1]
		}
	}
	for from, to := range m {
		for next, more := m[to]; more; next, more = m[to] {
			to = next
		}
		m[from] = to
	}
	return m
}

// FoldVariant returns the standard form of a kanji of names, r itself when it has none.
func FoldVariant(r rune) rune {
	if to, ok := variants()[r]; ok {
		return to
	}
	return r
}
