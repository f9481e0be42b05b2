package public

import "net/http"

func (p *portal) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", p.site.NotFound())
	return mux
}
