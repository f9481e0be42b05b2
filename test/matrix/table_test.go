package matrix

import "net/url"

// outcome is what must become of a request.
type outcome string

const (
	open     outcome = "open"     // for everybody: answered, without anything of the others
	misfit   outcome = "misfit"   // for everybody: refused, since what was sent makes no sense
	login    outcome = "login"    // led to the login
	own      outcome = "own"      // answered with what is the visitor's own, or nothing
	hidden   outcome = "hidden"   // not found, and on record
	denied   outcome = "denied"   // refused, and on record
	taken    outcome = "taken"    // refused as used by another, and on record
	absent   outcome = "absent"   // no such address
	unsigned outcome = "unsigned" // 401 to a machine
	conflict outcome = "conflict" // refused: the visitor does not hold what they may see
	barred   outcome = "barred"   // denied while the case has a step to hold, refused afterwards
	unfit    outcome = "unfit"    // refused: what was sent makes no sense
	may      outcome = "may"      // the role permits the look
	acts     outcome = "acts"     // permitted, and it writes
)

// line says what becomes of a route for somebody who has no business with the ids in it.
type line struct {
	form url.Values
	// want of the citizens' portal: somebody else who is logged in. Of the office: staff of another registrar or of a
	// prefecture. Of the public and the API: anybody. Whoever is not logged in is led to the login, unless it is open.
	want outcome
	// small is what becomes of it for a forwarding body that only takes cases in; "" means the same as want.
	small outcome
	// here is what becomes of it for the role intake at the very registrar.
	here outcome
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// citizenTable is about another citizen. {case} and {upload} in a form stand for the other's ids.
func citizenTable() map[string]line {
	return map[string]line{
		"GET /{$}":                                        {want: open},
		"GET /qualifications":                             {want: open},
		"GET /qualifications/{qualification}":             {want: open},
		"GET /qualifications/{qualification}/{procedure}": {want: open},
		"GET /procedures/{register}/{procedure}":          {want: open},
		"GET /help":                                       {want: open},
		"GET /about":                                      {want: open},
		"GET /accessibility":                              {want: open},
		"GET /privacy":                                    {want: open},
		"GET /login":                                      {want: open},
		"POST /login":                                     {want: open},
		"GET /login/callback":                             {want: open},
		"GET /login/failed":                               {want: open},
		"POST /logout":                                    {want: open},
		"GET /logged-out":                                 {want: open},
		"GET /procedures/{register}/{procedure}/start":     {want: own},
		"POST /applications":                               {want: taken, form: form("_token", "{case}", "register", "kangoshi.mhlw", "procedure", "linking")},
		"GET /card-check":                                  {want: own},
		"POST /card-check":                                 {want: own},
		"GET /card-check/failed":                           {want: own},
		"GET /applications/{id}":                           {want: hidden},
		"GET /applications/{id}/form/{group}":              {want: hidden},
		"POST /applications/{id}/form/{group}":             {want: hidden, form: form("tel", "03-0000-0000", "email", "")},
		"GET /applications/{id}/documents":                 {want: hidden},
		"POST /applications/{id}/documents/{evidence}":     {want: hidden, form: form("action", "remove:{upload}")},
		"GET /applications/{id}/uploads/{upload}":          {want: hidden},
		"POST /applications/{id}/check":                    {want: hidden},
		"GET /applications/{id}/check":                     {want: hidden},
		"POST /applications/{id}/sign":                     {want: hidden, form: form("request", "{case}")},
		"GET /sign/callback":                               {want: own},
		"GET /applications/{id}/sign/failed":               {want: hidden},
		"GET /applications/{id}/receipt/{round}":           {want: hidden},
		"GET /applications/{id}/pay":                       {want: hidden},
		"POST /applications/{id}/pay":                      {want: hidden},
		"GET /applications/{id}/paid":                      {want: hidden},
		"GET /applications/{id}/withdraw":                  {want: hidden},
		"POST /applications/{id}/withdraw":                 {want: hidden, form: form("sure", "yes")},
		"GET /credentials":                                 {want: own},
		"GET /credentials/{register}/{entry}":              {want: hidden},
		"GET /credentials/{register}/{entry}/wallet":       {want: hidden},
		"POST /credentials/{register}/{entry}/wallet":      {want: hidden},
		"GET /applications/{id}/wallet":                    {want: hidden},
		"POST /applications/{id}/wallet":                   {want: hidden},
		"GET /wallet/offers/{register}/{offer}":            {want: hidden},
		"GET /wallet/offers/{register}/{offer}/code":       {want: hidden},
		"POST /wallet/offers/{register}/{offer}/end":       {want: hidden},
		"GET /wallet/authorize":                            {want: unfit},
		"POST /wallet/authorize":                           {want: unfit, form: form("answer", "yes", "subject", "kangoshi.mhlw/{entry}")},
		"GET /watches":                                     {want: own},
		"GET /watches/{register}/{watch}":                  {want: hidden},
		"POST /watches/{register}/{watch}":                 {want: hidden, form: form("then", "granted")},
		"GET /credentials/{register}/{entry}/pdf":          {want: hidden},
		"POST /credentials/{register}/{entry}/pdf":         {want: hidden},
		"GET /credentials/{register}/{entry}/pdf/file":     {want: hidden},
		"GET /messages":                                    {want: own},
		"GET /access-log":                                  {want: own},
		"/":                                                {want: absent},
		"GET /credentials/{register}/{entry}/screen":       {want: hidden},
		"GET /credentials/{register}/{entry}/choose":       {want: hidden},
		"POST /credentials/{register}/{entry}/codes":       {want: hidden, form: form("show", "UN")},
		"GET /credentials/{register}/{entry}/codes/{copy}": {want: hidden},
		"GET /credentials/{register}/{entry}/history":      {want: hidden},
		"GET /credentials/{register}/{entry}/stop":         {want: hidden},
		"POST /credentials/{register}/{entry}/stop":        {want: hidden},
		"GET /credentials/{register}/{entry}/lift":         {want: hidden},
		"POST /credentials/{register}/{entry}/lift":        {want: hidden},
		"GET /credentials/{register}/{entry}/renew":        {want: hidden},
		"POST /credentials/{register}/{entry}/renew":       {want: hidden},
		"GET /login/again":                                 {want: open},
		"GET /stop":                                        {want: open},
		"POST /stop":                                       {want: misfit, form: form("code", "7F3K9-2QX8T-4MN0P-C6RVW")},
		"GET /stop-code":                                   {want: own},
		"POST /stop-code":                                  {want: acts},
	}
}

func officeTable() map[string]line {
	return map[string]line{
		"GET /login":                                        {want: open},
		"POST /login":                                       {want: open},
		"GET /login/callback":                               {want: open},
		"POST /logout":                                      {want: open},
		"GET /accessibility":                                {want: open},
		"GET /about":                                        {want: open},
		"GET /help":                                         {want: open},
		"GET /step-up":                                      {want: own},
		"POST /step-up":                                     {want: own},
		"GET /body":                                         {want: own},
		"POST /body":                                        {want: denied, form: form("body", "somewhere-else")},
		"GET /{$}":                                          {want: own, here: may},
		"POST /next":                                        {want: own, small: denied, here: denied, form: form("step", "review")},
		"GET /cases/{id}":                                   {want: hidden, here: may},
		"POST /cases/{id}/purpose":                          {want: hidden, here: may, form: form("purpose", "procedure")},
		"POST /cases/{id}/take":                             {want: hidden, here: barred},
		"POST /cases/{id}/release":                          {want: hidden, here: conflict},
		"POST /cases/{id}/free":                             {want: hidden, small: denied, here: denied},
		"POST /cases/{id}/checks":                           {want: hidden, here: conflict, form: form("verdict.signature", "ok")},
		"POST /cases/{id}/notes":                            {want: hidden, here: acts, form: form("note", "覚え書き")},
		"GET /cases/{id}/documents/{document}":              {want: hidden, here: may},
		"GET /cases/{id}/correction":                        {want: hidden, here: conflict},
		"POST /cases/{id}/correction":                       {want: hidden, here: conflict, form: form("item", "name_kana", "reason.name_kana", "kana-differs")},
		"GET /cases/{id}/correction/words":                  {want: hidden, here: conflict},
		"POST /cases/{id}/correction/words":                 {want: hidden, here: conflict},
		"GET /cases/{id}/correction/preview":                {want: hidden, here: conflict},
		"POST /cases/{id}/correction/preview":               {want: hidden, here: conflict},
		"GET /passed":                                       {want: own},
		"GET /cases/{id}/handover":                          {want: hidden, here: conflict},
		"POST /cases/{id}/handover":                         {want: hidden, here: conflict, form: form("result.format", "ok", "result.identity", "ok", "result.documents", "ok")},
		"GET /cases/{id}/proposal":                          {want: hidden, here: conflict},
		"POST /cases/{id}/proposal":                         {want: hidden, small: denied, here: denied, form: form("outcome", "approve")},
		"GET /cases/{id}/decision":                          {want: hidden, here: conflict},
		"POST /cases/{id}/decision":                         {want: hidden, here: conflict, form: form("verb", "agree", "confirm", "yes")},
		"GET /register":                                     {want: own, small: denied, here: denied},
		"POST /register":                                    {want: own, small: denied, here: denied, form: form("words", "見本　花子", "purpose", "procedure")},
		"GET /register/results":                             {want: own, small: denied, here: denied},
		"GET /register/{register}/{entry}":                  {want: hidden, small: denied, here: denied},
		"POST /register/{register}/{entry}/purpose":         {want: hidden, small: denied, here: denied, form: form("purpose", "procedure")},
		"GET /register/{register}/{entry}/measures/{kind}":  {want: hidden, small: denied, here: denied},
		"POST /register/{register}/{entry}/measures/{kind}": {want: hidden, small: denied, here: denied, form: form("number", "1", "reason", "試験", "confirm", "yes")},
		"GET /audit":                                        {want: own, small: denied, here: denied},
		"GET /rollout":                                      {want: own, small: denied, here: denied},
		"GET /rollout/{qualification}":                      {want: hidden, small: denied, here: denied},
		"GET /rollout/{qualification}/new":                  {want: hidden, small: denied, here: denied},
		"POST /rollout/{qualification}/new":                 {want: hidden, small: denied, here: denied, form: form("kind", "close", "scope", "all", "reason", "試験", "on.year", "2027", "on.month", "4", "on.day", "1")},
		"GET /rollout/{qualification}/preview":              {want: own},
		"POST /rollout/{qualification}/preview":             {want: own},
		"GET /definitions":                                  {want: own, small: denied, here: denied},
		"GET /definitions/new":                              {want: own, small: denied, here: denied},
		"POST /definitions/new":                             {want: unfit, small: denied, here: denied},
		"GET /definitions/{text}":                           {want: hidden, small: denied, here: denied},
		"POST /definitions/{text}":                          {want: hidden, small: denied, here: denied, form: form("verb", "approve", "reason", "試験")},
		"GET /definitions/{text}/preview":                   {want: hidden, small: denied, here: denied},
		"GET /definitions/{text}/preview/{procedure}":       {want: hidden, small: denied, here: denied},
		"GET /acts/{act}":                                   {want: hidden, small: denied, here: denied},
		"POST /acts/{act}":                                  {want: hidden, small: denied, here: denied, form: form("verb", "approve")},
		"/":                                                 {want: absent},
	}
}

func publicTable() map[string]line {
	return map[string]line{
		"GET /{$}":                                {want: open},
		"GET /w":                                  {want: open},
		"GET /w/{$}":                              {want: open},
		"POST /w/verify":                          {want: unfit, form: form("checkdata", "証明ではない文字列")},
		"POST /w/file":                            {want: unfit},
		"POST /w/receipt":                         {want: unfit, form: form("checkdata", "証明ではない文字列")},
		"GET /w/verify":                           {want: open},
		"GET /w/file":                             {want: open},
		"GET /w/receipt":                          {want: open},
		"POST /w/check":                           {want: open, form: form("checkdata", "証明ではない文字列")},
		"POST /w/number":                          {want: unfit, form: form("number", "証明ではない文字列")},
		"GET /w/number":                           {want: open},
		"GET /counter/{$}":                        {want: open},
		"GET /counter/worker.js":                  {want: open},
		"GET /counter/trust.json":                 {want: open},
		"GET /wallet":                             {want: open},
		"POST /wallet":                            {want: acts, form: form("qualification", "any")},
		"GET /wallet/{token}":                     {want: absent},
		"GET /wallet/result":                      {want: absent},
		"GET /keys":                               {want: open},
		"GET /help":                               {want: open},
		"GET /about":                              {want: open},
		"GET /accessibility":                      {want: open},
		"GET /.well-known/akashi/jwks.json":       {want: open},
		"GET /.well-known/akashi/cose-keys":       {want: open},
		"GET /.well-known/akashi/ca.crl":          {want: absent},
		"GET /.well-known/akashi/ca.crt":          {want: absent},
		"GET /types/{qualification}":              {want: open},
		"GET /contexts/1":                         {want: open},
		"GET /status/{register}/{list}":           {want: absent},
		"GET /status/{register}/{list}/{version}": {want: absent},
		"/": {want: absent},
	}
}

func apiTable() map[string]line {
	return map[string]line{
		"POST /v1/verifications":             {want: unfit},
		"POST /v1/verifications/document":    {want: unfit},
		"OPTIONS /v1/verifications/document": {want: open},
		"/v1/verifications/document":         {want: absent},
		"GET /v1/trust-list":                 {want: absent},
		"OPTIONS /v1/trust-list":             {want: open},
		"/v1/trust-list":                     {want: absent},
		"GET /v1/keys":                       {want: open},
		"POST /v1/presentations":             {want: unfit},
		"GET /v1/presentations/{id}":         {want: unfit},
		"POST /oid4vp/request/{token}":       {want: absent},
		"GET /oid4vp/request/{token}":        {want: absent},
		"POST /oid4vp/answer/{id}/{way}":     {want: absent},
		"OPTIONS /v1/presentations":          {want: open},
		"OPTIONS /v1/presentations/{id}":     {want: open},
		"OPTIONS /oid4vp/request/{token}":    {want: open},
		"OPTIONS /oid4vp/answer/{id}/{way}":  {want: open},
		"/v1/presentations":                  {want: absent},
		"/v1/presentations/{id}":             {want: absent},
		"/oid4vp/request/{token}":            {want: absent},
		"/oid4vp/answer/{id}/{way}":          {want: absent},
		"OPTIONS /v1/verifications":          {want: open},
		"OPTIONS /v1/keys":                   {want: open},
		"/v1/verifications":                  {want: absent},
		"/v1/keys":                           {want: absent},
		"POST /callbacks/payment":            {want: unsigned, form: form("order", "{case}")},
		"/callbacks/payment":                 {want: absent},
		"GET /openapi.json":                  {want: open},
		"GET /openapi/{version}":             {want: absent},
		"GET /.well-known/openid-credential-issuer/issuers/{registrar}":       {want: open},
		"OPTIONS /.well-known/openid-credential-issuer/issuers/{registrar}":   {want: open},
		"/.well-known/openid-credential-issuer/issuers/{registrar}":           {want: absent},
		"GET /.well-known/oauth-authorization-server/issuers/{registrar}":     {want: open},
		"OPTIONS /.well-known/oauth-authorization-server/issuers/{registrar}": {want: open},
		"/.well-known/oauth-authorization-server/issuers/{registrar}":         {want: absent},
		"GET /issuers/{registrar}/offers/{offer}":                             {want: unfit},
		"OPTIONS /issuers/{registrar}/offers/{offer}":                         {want: open},
		"/issuers/{registrar}/offers/{offer}":                                 {want: absent},
		"POST /issuers/{registrar}/par":                                       {want: unfit},
		"OPTIONS /issuers/{registrar}/par":                                    {want: open},
		"/issuers/{registrar}/par":                                            {want: absent},
		"POST /issuers/{registrar}/token":                                     {want: unfit},
		"OPTIONS /issuers/{registrar}/token":                                  {want: open},
		"/issuers/{registrar}/token":                                          {want: absent},
		"POST /issuers/{registrar}/nonce":                                     {want: open},
		"OPTIONS /issuers/{registrar}/nonce":                                  {want: open},
		"/issuers/{registrar}/nonce":                                          {want: absent},
		"POST /issuers/{registrar}/credential":                                {want: unfit},
		"OPTIONS /issuers/{registrar}/credential":                             {want: open},
		"/issuers/{registrar}/credential":                                     {want: absent},
		"POST /issuers/{registrar}/deferred":                                  {want: unfit},
		"OPTIONS /issuers/{registrar}/deferred":                               {want: open},
		"/issuers/{registrar}/deferred":                                       {want: absent},
		"POST /issuers/{registrar}/notification":                              {want: unfit},
		"OPTIONS /issuers/{registrar}/notification":                           {want: open},
		"/issuers/{registrar}/notification":                                   {want: absent},
		"/":                                                                   {want: absent},
		"POST /v1/bulk-verifications":                                         {want: unsigned},
		"GET /v1/bulk-verifications/{id}":                                     {want: unsigned},
		"DELETE /v1/bulk-verifications/{id}":                                  {want: unsigned},
		"GET /v1/bulk-verifications/{id}/answers":                             {want: unsigned},
		"GET /v1/bulk-verifications/{id}/answers.csv":                         {want: unsigned},
		"GET /v1/watches":                                                     {want: unsigned},
		"POST /v1/watches":                                                    {want: unsigned},
		"GET /v1/watches/{id}":                                                {want: unsigned},
		"DELETE /v1/watches/{id}":                                             {want: unsigned},
		"GET /v1/notifications":                                               {want: unsigned},
		"GET /v1/webhook-keys":                                                {want: open},
		"OPTIONS /v1/bulk-verifications":                                      {want: open},
		"/v1/bulk-verifications":                                              {want: absent},
		"OPTIONS /v1/bulk-verifications/{id}":                                 {want: open},
		"/v1/bulk-verifications/{id}":                                         {want: absent},
		"OPTIONS /v1/bulk-verifications/{id}/answers":                         {want: open},
		"/v1/bulk-verifications/{id}/answers":                                 {want: absent},
		"OPTIONS /v1/bulk-verifications/{id}/answers.csv":                     {want: open},
		"/v1/bulk-verifications/{id}/answers.csv":                             {want: absent},
		"OPTIONS /v1/watches":                                                 {want: open},
		"/v1/watches":                                                         {want: absent},
		"OPTIONS /v1/watches/{id}":                                            {want: open},
		"/v1/watches/{id}":                                                    {want: absent},
		"OPTIONS /v1/notifications":                                           {want: open},
		"/v1/notifications":                                                   {want: absent},
		"OPTIONS /v1/webhook-keys":                                            {want: open},
		"/v1/webhook-keys":                                                    {want: absent},
	}
}
