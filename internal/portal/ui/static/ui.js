// The few things that scripts add to the pages. Nothing here is needed to complete a page, and no wording stands here:
// texts come from data attributes that the server wrote in the visitor's language.

// <ak-focus> gives the focus to the error summary that it contains, even where the address has a fragment.
class Focus extends HTMLElement {
  connectedCallback() {
    requestAnimationFrame(() => this.firstElementChild?.focus());
  }
}

// <ak-act data-act="copy|print"> is shown only where scripts run.
class Act extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.querySelector('button').addEventListener('click', () => this.act());
  }

  async act() {
    if (this.dataset.act === 'print') {
      window.print();
    } else {
      await navigator.clipboard.writeText(document.getElementById(this.dataset.target).textContent.trim());
    }
    this.querySelector('[role=status]').textContent = this.dataset.done;
  }
}

// <ak-session data-idle data-warn data-alive> warns before the session ends. It counts minutes, not seconds, so that a
// screen reader is not interrupted all the time, and reads the clock anew each time, because a sleeping device stops timers.
class Session extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector('dialog');
    this.text = this.querySelector('[data-words]');
    this.querySelector('[data-stay]').addEventListener('click', () => this.stay());
    this.dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.stay();
    });
    this.start();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  start() {
    this.end = Date.now() + Number(this.dataset.idle) * 1000;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.look(), 5000);
  }

  look() {
    const left = this.end - Date.now();
    if (left > Number(this.dataset.warn) * 1000) return;
    if (!this.dialog.open) this.dialog.showModal();
    const words = left > 0 ? this.text.dataset.words.replace('{0}', Math.ceil(left / 60000)) : this.text.dataset.over;
    if (this.text.textContent !== words) this.text.textContent = words;
    if (left <= 0) {
      clearInterval(this.timer);
      this.over = true;
    }
  }

  // stay prolongs the session; when it has ended, the page is loaded again, which leads to the login and back.
  async stay() {
    const answer = this.over ? null : await fetch(this.dataset.alive, { cache: 'no-store' }).catch(() => null);
    if (!answer?.ok) {
      location.assign(location.pathname + location.search);
      return;
    }
    this.dialog.close();
    this.start();
  }
}

// <ak-again data-state> asks every five seconds, for ten minutes, whether the page still waits in its state, and loads it again when
// it does not. Until then nothing on the page changes. What is marked data-on and data-off shows whether it asks.
class Again extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.end = Date.now() + 600_000;
    for (const button of this.querySelectorAll('button')) button.addEventListener('click', () => this.turn(!this.timer));
    this.turn(true, false);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  turn(on, pressed = true) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.look(), 5000) : 0;
    for (const one of this.querySelectorAll('[data-on]')) one.hidden = !on;
    for (const one of this.querySelectorAll('[data-off]')) one.hidden = on;
    if (pressed) this.querySelector('button:not([hidden])').focus();
  }

  async look() {
    if (document.hidden) return;
    if (Date.now() > this.end) {
      this.turn(false, false);
      return;
    }
    const answer = await fetch(location.href, { cache: 'no-store', redirect: 'manual' }).catch(() => null);
    const text = answer?.ok ? await answer.text() : answer && answer.status !== 429 && answer.status < 500 ? '' : null;
    if (text !== null && this.timer && !text.includes(`data-state="${this.dataset.state}"`)) location.reload();
  }
}

customElements.define('ak-again', Again);
customElements.define('ak-focus', Focus);
customElements.define('ak-act', Act);
customElements.define('ak-session', Session);
