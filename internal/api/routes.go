package api

import "net/http"

func (s *service) handler() http.Handler { return http.NewServeMux() }
