package qualification

// fileWords are the sentences about files that cannot be read, or whose values do not have the shape of the format. What a
// library says is quoted behind them.
var fileWords = map[Code]Text{
	"yaml-large":      {JA: "ファイルが大きすぎます。{0}バイトまでにしてください", EN: "is larger than {0} bytes", Easy: "ファイルが {大|おお}きすぎます。{0}バイトまでです"},
	"yaml-empty":      {JA: "内容がありません", EN: "is empty", Easy: "{中|なか}に {何|なに}も ありません"},
	"yaml-broken":     {JA: "YAMLとして読み取れません。解析プログラムの表示：「{0}」", EN: "is not YAML: {0}", Easy: "YAMLの {書|か}きかたが ちがいます：「{0}」"},
	"yaml-several":    {JA: "1つのファイルに文書が2つ以上あります。1つだけにしてください", EN: "has more than one document", Easy: "ファイルの {中|なか}は 1つだけに して ください"},
	"yaml-no-mapping": {JA: "「キー: 値」の形になっていません", EN: "is not a mapping", Easy: "「なまえ: {内容|ないよう}」の {形|かたち}で {書|か}いて ください"},
	"yaml-deep":       {JA: "{0}行目：入れ子が深すぎます", EN: "line {0}: nested too deeply", Easy: "{0}{行|ぎょう}め：{中|なか}に {入|い}れすぎです"},
	"yaml-alias":      {JA: "{0}行目：アンカーとエイリアスは使えません", EN: "line {0}: anchors and aliases are not part of the format", Easy: "{0}{行|ぎょう}め：アンカーと エイリアスは {使|つか}えません"},
	"yaml-key":        {JA: "{0}行目：キーは、記号を使わない1つの語にしてください", EN: "line {0}: a key must be a plain word", Easy: "{0}{行|ぎょう}め：なまえは かんたんな ことばに して ください"},
	"yaml-key-twice":  {JA: "{0}行目：キー「{1}」が2回あります", EN: "line {0}: key \"{1}\" stands twice", Easy: "{0}{行|ぎょう}め：「{1}」が 2つ あります"},
	"yaml-number":     {JA: "{0}行目：「{1}」は十進の整数ではありません", EN: "line {0}: \"{1}\" is not a whole decimal number", Easy: "{0}{行|ぎょう}め：「{1}」は {使|つか}えない {数字|すうじ}です"},
	"yaml-tag":        {JA: "{0}行目：「{1}」（種類「{2}」）は使えません。文字列は引用符で囲んでください", EN: "line {0}: \"{1}\" ({2}) is not part of the format; put text in quotes", Easy: "{0}{行|ぎょう}め：「{1}」（「{2}」）は {使|つか}えません。ことばは 「\"」で かこんで ください"},

	"file-no-id":         {JA: "資格の識別子「id」がありません", EN: "has no id", Easy: "「id」が ありません"},
	"file-other":         {JA: "読み取れません。プログラムの表示：「{0}」", EN: "cannot be read: {0}", Easy: "{読|よ}めません：「{0}」"},
	"file-other-name":    {JA: "「{0}」の定義は、ファイル「{1}」に置いてください", EN: "{0} belongs into the file {1}", Easy: "「{0}」は ファイル「{1}」に {入|い}れて ください"},
	"file-no-definition": {JA: "資格の定義の形になっていません。プログラムの表示：「{0}」", EN: "does not have the shape of a definition: {0}", Easy: "{資格|しかく}の きまりの {形|かたち}では ありません：「{0}」"},
	"file-no-registrars": {JA: "登録機関の一覧の形になっていません。プログラムの表示：「{0}」", EN: "does not have the shape of a list of registrars: {0}", Easy: "{役所|やくしょ}の リストの {形|かたち}では ありません：「{0}」"},

	"base-unused":  {JA: "このひな型を使う定義がありません", EN: "no definition extends it", Easy: "だれも {使|つか}って いません"},
	"base-cycle":   {JA: "ひな型の参照が一周しています：「{0}」", EN: "cycle: {0}", Easy: "ぐるぐる まわって います：「{0}」"},
	"base-no-file": {JA: "ファイル「{0}」がありません", EN: "no file {0}", Easy: "ファイル「{0}」が ありません"},
	"base-list":    {JA: "「{0}」の下にあるファイルの一覧にしてください", EN: "must be a list of files under {0}", Easy: "「{0}」の ファイルの リストに して ください"},

	"merge-id-twice":        {JA: "同じ識別子が2回あります", EN: "the id stands twice", Easy: "おなじ なまえが 2つ あります"},
	"merge-removes-nothing": {JA: "どのひな型にもない値を消そうとしています。読点やコンマを含む文は引用符で囲んでください", EN: "removes what no base has; a text with a comma needs quotes", Easy: "ない ものを {消|け}して います。「,」の ある {文|ぶん}は 「\"」で かこんで ください"},
	"merge-drops-nothing":   {JA: "どのひな型にもない項目を除こうとしています", EN: "drops what no base has", Easy: "ない ものを なくして います"},
	"merge-after-nothing":   {JA: "「{0}」の後に置く指定ですが、「{0}」がありません", EN: "stands after \"{0}\", which does not exist", Easy: "「{0}」の {後|あと}と ありますが、「{0}」が ありません"},

	"term-none":           {JA: "語句「{0}」が定められていません", EN: "no term {0}", Easy: "「{0}」の ことばが ありません"},
	"term-none-more":      {JA: "語句「{0}」が定められていません（ほか{1}か所）", EN: "no term {0} (and {1} more)", Easy: "「{0}」の ことばが ありません（ほかに {1}つ）"},
	"term-item-elsewhere": {JA: "「{0}」は「{1}」でだけ使えます", EN: "{0} can stand in {1} only", Easy: "「{0}」は 「{1}」だけで {使|つか}えます"},

	"shape-missing":        {JA: "必要な値がありません", EN: "missing", Easy: "ありません。{書|か}いて ください"},
	"shape-missing-beside": {JA: "「{0}」を書くときは、この値も必要です", EN: "missing beside {0}", Easy: "「{0}」が あるので、これも {書|か}いて ください"},
	"shape-unknown-key":    {JA: "このキーは定義の書き方にありません", EN: "unknown key", Easy: "この なまえは {使|つか}えません"},
	"shape-forbidden":      {JA: "ここには書けません", EN: "must not be given", Easy: "ここには {書|か}けません"},
	"shape-blank":          {JA: "空白だけです。文字を書いてください", EN: "is blank", Easy: "{文字|もじ}を {書|か}いて ください"},
	"shape-pattern":        {JA: "「{0}」は決められた形ではありません。正規表現「{1}」に合わせてください", EN: "\"{0}\" does not have the shape {1}", Easy: "「{0}」の {形|かたち}が ちがいます。「{1}」の {形|かたち}に して ください"},
	"shape-type":           {JA: "値の種類が{0}です。{1}にしてください", EN: "is {0}, not {1}", Easy: "{0}です。{1}に して ください"},
	"shape-one-of":         {JA: "「{0}」は使えません。次のどれかにしてください：「{1}」", EN: "\"{0}\" is none of {1}", Easy: "「{0}」は {使|つか}えません。えらんで ください：「{1}」"},
	"shape-date":           {JA: "「{0}」は暦にある日付ではありません。「{1}」のように書いてください", EN: "\"{0}\" is no day of the calendar; write it as {1}", Easy: "「{0}」は ない {日|ひ}です。「{1}」のように {書|か}いて ください"},
	"shape-few":            {JA: "{0}個以上の項目が必要です", EN: "must have {0} elements or more", Easy: "{0}つは {書|か}いて ください"},
	"shape-short":          {JA: "{0}文字以上にしてください", EN: "must have {0} characters or more", Easy: "{0}{文字|もじ}は {書|か}いて ください"},
	"shape-long":           {JA: "{0}文字あります。{1}文字までにしてください", EN: "has {0} characters; at most {1} are allowed", Easy: "{0}{文字|もじ}です。{1}{文字|もじ}までに して ください"},
	"shape-small":          {JA: "{0}は小さすぎます。{1}以上にしてください", EN: "{0} is too small; {1} is the least", Easy: "{0}は {小|ちい}さいです。{1}からです"},
	"shape-great":          {JA: "{0}は大きすぎます。{1}以下にしてください", EN: "{0} is too great; {1} is the most", Easy: "{0}は {大|おお}きいです。{1}までです"},
	"shape-same":           {JA: "{0}番目と{1}番目が同じです", EN: "elements {0} and {1} are the same", Easy: "{0}ばんめと {1}ばんめが おなじです"},
	"shape-other":          {JA: "定義の書き方に合いません。検査プログラムの表示：「{0}」", EN: "does not keep to the format: {0}", Easy: "{書|か}きかたが ちがいます：「{0}」"},
	"shape-unchecked":      {JA: "書き方を検査できません。検査プログラムの表示：「{0}」", EN: "cannot be checked: {0}", Easy: "しらべる ことが できません：「{0}」"},

	"type-text":         {JA: "文字列", EN: "a text", Easy: "{文字|もじ}"},
	"type-whole-number": {JA: "整数", EN: "a whole number", Easy: "{数字|すうじ}（1、2、3）"},
	"type-number":       {JA: "数", EN: "a number", Easy: "{数字|すうじ}"},
	"type-list":         {JA: "一覧", EN: "a list", Easy: "リスト"},
	"type-mapping":      {JA: "キーと値の組", EN: "a mapping", Easy: "なまえと {内容|ないよう}の {組|くみ}"},
	"type-truth":        {JA: "真偽値", EN: "true or false", Easy: "「true」か 「false」"},
	"type-nothing":      {JA: "空の値", EN: "nothing", Easy: "なにも ない もの"},

	"reading-missing": {JA: "漢字「{0}」に読み仮名がありません。「{1}」のように書いてください", EN: "{0} stands without a reading; write {1}", Easy: "「{0}」の {読|よ}みかたが ありません。「{1}」のように {書|か}いて ください"},

	"cel-compile":      {JA: "条件や金額の式（CEL）を読み取れません。解析プログラムの表示：「{0}」", EN: "does not compile: {0}", Easy: "{式|しき}（CEL）の {書|か}きかたが ちがいます：「{0}」"},
	"cel-type":         {JA: "式（CEL）の結果の型が「{0}」です。「{1}」になる式にしてください", EN: "gives {0}, not {1}", Easy: "{式|しき}の {答|こた}えが 「{0}」です。「{1}」に して ください"},
	"cel-cost":         {JA: "式（CEL）の計算量が大きすぎます。最大{0}になります。上限は{1}です", EN: "costs too much: up to {0}, allowed are {1}", Easy: "{式|しき}の {計算|けいさん}が {多|おお}すぎます（{0}）。{1}までです"},
	"cel-cost-unknown": {JA: "式（CEL）の計算量を見積もれません。解析プログラムの表示：「{0}」", EN: "its cost cannot be estimated: {0}", Easy: "{式|しき}の {計算|けいさん}の {量|りょう}が わかりません：「{0}」"},
	"cel-fails":        {JA: "何も答えていないときに式（CEL）の計算が失敗します。プログラムの表示：「{0}」", EN: "fails while nothing is answered: {0}", Easy: "{答|こた}えが まだ ないとき、{式|しき}の {計算|けいさん}が できません：「{0}」"},
	"cel-evaluating":   {JA: "式（CEL）「{0}」を計算できません。プログラムの表示：「{1}」", EN: "evaluating \"{0}\": {1}", Easy: "{式|しき}「{0}」の {計算|けいさん}が できません：「{1}」"},
	"cel-negative":     {JA: "式（CEL）「{0}」の金額が{1}円になります。0円以上になるようにしてください", EN: "evaluating \"{0}\": {1} is negative", Easy: "{式|しき}「{0}」が {1}{円|えん}です。0{円|えん}からです"},
	"cel-literal-key":  {JA: "「{0}」「{1}」「{2}」は、「{3}」のように、キーを直接書いて読んでください", EN: "{0}, {1} and {2} may only be read by a literal key, as in {3}", Easy: "「{0}」「{1}」「{2}」は 「{3}」のように {書|か}いて ください"},
}
