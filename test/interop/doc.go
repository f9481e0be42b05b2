// Package interop has no code of its own: its tests hand what we sign to programs that others wrote in other languages, and
// see that these accept it and refuse what is broken in it; and read what those programs sign.
//
// The Node packages are pinned in package.json and brought by make test. A format adds a module here (NAME.mjs, whose
// default export checks one case) and a test that calls it with node(t, "NAME", cases).
package interop
