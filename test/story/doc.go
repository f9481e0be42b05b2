// Package story holds the test of the main job from end to end, as people do it: a whole demonstration runs in this
// process, and visitors with browsers of their own walk through the pages of every portal and of the simulated outside
// systems. A nurse applies, signs and pays; staff check, ask for a correction, propose and decide; her credential is
// checked by an employer before and after its revocation. Others meet what can go wrong on the way.
// One credential is followed through its life (TestCredential): a phone shows it, a camera scans it, a signed PDF is dropped, the
// holder stops it at once, allows it again and has it made anew, the registrar revokes it; all its forms say the same at each point.
//
// Every page on the way is looked at in every state: accessible by axe-core, within the width of a phone, one heading, a
// title of its own, nothing untranslated, no technical value where people read. With AKASHI_SHOTS=directory the test also
// keeps pictures of all pages at 390 and 1280 pixels (make shots).
package story
