// <ak-awake> keeps the screen lit while a code is shown, where the browser can, and counts nothing: the page renews itself.
class Awake extends HTMLElement {
  connectedCallback() {
    this.hold = () => document.hidden || navigator.wakeLock?.request('screen').catch(() => {});
    document.addEventListener('visibilitychange', this.hold);
    this.hold();
  }

  disconnectedCallback() {
    document.removeEventListener('visibilitychange', this.hold);
  }
}

customElements.define('ak-awake', Awake);
