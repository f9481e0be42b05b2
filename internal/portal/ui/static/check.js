// The verification page's own script. Without it the page works for every address but the one that keeps the credential
// behind its #, which no server sees.

// <ak-scanned data-instead="id"> reads the credential from the fragment, puts it into its form and shows that instead of
// the advice. Nothing is sent before the visitor presses the button.
class Scanned extends HTMLElement {
  connectedCallback() {
    const code = location.hash.slice(1);
    if (this.dataset.instead && code.startsWith('c=')) {
      this.append(this.firstElementChild.content.cloneNode(true));
      this.querySelector('input[type=hidden]').value = code;
      document.getElementById(this.dataset.instead)?.remove();
    }
    // The other languages of this page need the credential too; the server does not write it into links.
    for (const link of document.querySelectorAll('.ak-langs a')) {
      link.href = link.pathname + location.search + location.hash;
    }
  }
}

customElements.define('ak-scanned', Scanned);
