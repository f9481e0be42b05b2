// Package ui is what every page of the three portals is made of: the wordings in three languages, the layout, the
// components, the form renderer, and the HTTP kit that turns a handler's error into a page.
//
// A portal makes one Site from a Config, registers its handlers on an ordinary http.ServeMux through Site.Handler, and
// serves Site.Wrap(mux). Wrap takes the language off the path (/en/…, /easy/…; Japanese has no prefix), loads the
// session, sets the security headers and refuses cross-site posts, so routes are written once, without a language.
// A handler asks Site.Page for the page's frame, fills a struct of its own, and ends with
//
//	return page.Render(w, someTemplComponent(page, view))
//
// which draws into memory first, so that an error while drawing still becomes an error page.
//
// Words. Page.T gives plain text for titles and attributes; Page.R gives text that may carry readings (ruby) for the
// string fields of components; @page.Say("key") writes a wording into a template. Readings are written in the
// catalogue as {漢字|かんじ}.
//
// Everything works without JavaScript; the few script modules in static/ only add to it.
package ui
