// The counter: one credential after the other on a page that stays open. Results stand in this page's memory and end with it.
// Without a network it checks by what it fetched before (proof.js), and says so.

const kept = 'akashi-counter-data';
const minute = 60_000;

// write puts a wording into an element, with readings as ruby. Wordings come from the page, values from the credential: nothing is
// ever read as markup.
function write(el, words, ...args) {
  const text = words.replace(/\{(\d)\}/g, (_, n) => args[n] ?? '');
  el.replaceChildren(...text.split(/(\uFFF9[^\uFFFB]*\uFFFB)/).filter(Boolean).map((part) => {
    if (part[0] !== '\uFFF9') return part;
    const [base, reading] = part.slice(1, -1).split('\uFFFA');
    const ruby = document.createElement('ruby');
    const rt = document.createElement('rt');
    rt.textContent = reading;
    ruby.append(base, rt);
    return ruby;
  }));
  return el;
}

const element = (name, className = '') => Object.assign(document.createElement(name), { className });
const plain = (words) => words.replace(/\uFFF9([^\uFFFA]*)\uFFFA[^\uFFFB]*\uFFFB/g, '$1');

// <ak-counter> is the page's only state.
class Counter extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.querySelector('#counter-words').textContent);
    this.panels = new Map([...this.querySelectorAll('template[data-verdict]')].map((one) => [one.dataset.verdict, one]));
    this.checks = new Map([...this.querySelectorAll('template[data-check]')].map((one) => [one.dataset.check, one]));
    this.line = this.querySelector('[data-line]');
    this.result = this.querySelector('[data-result]');
    this.history = this.querySelector('[data-history]');
    this.querySelector('[data-without-scripts]').remove();
    this.querySelector('[data-live]').hidden = false;
    this.querySelector('form[data-typed]').addEventListener('submit', (event) => this.typed(event));
    this.querySelector('input[type=file]').addEventListener('change', (event) => this.picture(event.target));
    this.querySelector('[data-forget] button').addEventListener('click', () => this.forget());
    this.addEventListener('ak-code', (event) => {
      event.preventDefault();
      this.check(event.detail);
    });
    addEventListener('online', () => this.renew());
    addEventListener('offline', () => this.tellLine());
    this.skew = 0;
    this.met = [];
    this.keep();
    this.recall().then(() => this.renew());
    setInterval(() => this.renew(), 4 * minute);
  }

  get now() {
    return Date.now() + this.skew;
  }

  // keep has the browser keep the page and its files.
  async keep() {
    const path = this.dataset.worker;
    const policy = globalThis.trustedTypes?.createPolicy('akashi-worker', { createScriptURL: () => path });
    await navigator.serviceWorker?.register(policy ? policy.createScriptURL('') : path, { scope: this.dataset.page }).catch(() => {});
    this.toggleAttribute('data-kept', !!(await navigator.serviceWorker?.ready));
  }

  // renew fetches what a check without a network goes by.
  async renew() {
    try {
      const answer = await fetch(this.dataset.trust, { cache: 'no-store', signal: AbortSignal.timeout(15_000) });
      if (!answer.ok) throw new Error('no answer');
      const trust = await answer.json();
      this.skew = trust.now - Date.now();
      const proof = await import(this.dataset.proof);
      this.trust = await proof.gather(trust, this.met);
      const cache = await caches?.open(kept);
      await cache?.put(this.dataset.trust, new Response(JSON.stringify({ ...this.trust, skew: this.skew })));
      this.online = true;
    } catch {
      this.online = false;
    }
    this.tellLine();
  }

  async recall() {
    const answer = await globalThis.caches?.match(this.dataset.trust).catch(() => null);
    this.trust = await answer?.json();
    this.skew = this.trust?.skew ?? 0;
    this.met = this.trust?.met ?? [];
  }

  // meet remembers in which list a code's status stands, and fetches that list for times without a network. The list is that of
  // thousands, and says nothing of whom was checked.
  async meet(text) {
    const proof = await import(this.dataset.proof);
    const name = proof.place(text);
    if (!name || this.met.includes(name)) return;
    this.met = [name, ...this.met].slice(0, 30);
    await this.renew();
  }

  // tellLine says what the next check will go by.
  tellLine() {
    const at = this.trust && this.time(this.trust.now);
    const word = this.online && navigator.onLine ? 'online' : !this.trust ? 'offline_none' : this.trust.until < this.now ? 'offline_old' : 'offline';
    this.line.dataset.state = word;
    write(this.line, this.words['counter.' + word], at);
  }

  typed(event) {
    event.preventDefault();
    const input = event.target.elements.namedItem('checkdata');
    if (input.value.trim()) this.check(input.value);
    input.value = '';
    input.focus();
  }

  // picture reads a picture on this device; another file can only be checked by the service.
  async picture(input) {
    const [file] = input.files;
    if (!file) return;
    if (!file.type.startsWith('image/')) {
      input.value = '';
      return this.document(file);
    }
    const [found] = await this.querySelector('ak-scan').read(file).catch(() => []);
    input.value = '';
    if (found) this.check(found.text);
    else this.say('counter.no_code');
  }

  say(key) {
    this.result.replaceChildren(write(element('p', 'ak-empty'), this.words[key]));
  }

  // check asks the service, and without it the keys. An answer that says "slower" is no missing network.
  async check(text) {
    const turn = this.turn = {};
    this.say('counter.checking');
    let found;
    try {
      const answer = await fetch(this.dataset.ask, { method: 'POST', body: new URLSearchParams({ checkdata: text }), signal: AbortSignal.timeout(12_000) });
      if (answer.status === 429) return this.say('counter.busy');
      if (!answer.ok) throw new Error('no answer');
      found = await answer.json();
      this.online = true;
      this.meet(text).catch(() => {});
    } catch {
      this.online = false;
      found = await this.alone(text);
    }
    if (turn !== this.turn) return;
    this.tellLine();
    if (found.verdict === 'unreadable') return this.say('counter.unreadable');
    this.show(found, text);
  }

  // document has a file checked that is no picture.
  async document(file) {
    const turn = this.turn = {};
    this.say('counter.checking');
    const form = new FormData();
    form.append('picture', file);
    const answer = await fetch(this.dataset.ask, { method: 'POST', body: form, signal: AbortSignal.timeout(12_000) }).catch(() => null);
    const found = answer?.ok ? await answer.json() : null;
    if (turn !== this.turn) return;
    if (answer?.status === 429) return this.say('counter.busy');
    if (!found) return this.say('counter.file_network');
    if (found.verdict === 'unreadable') return this.say(found.reason ? 'reason.' + found.reason : 'counter.unreadable');
    this.show(found);
  }

  async alone(text) {
    const unknown = { verdict: 'cannot_tell', untampered: 'unknown', issuer: 'unknown', status: 'unknown', checked_at: new Date(this.now).toISOString(), why: 'network' };
    try {
      const proof = await import(this.dataset.proof);
      return this.trust ? await proof.check(text, { ...this.trust, now: this.now }) : unknown;
    } catch {
      return unknown;
    }
  }

  // show draws a result and adds it to the history.
  show(found, text) {
    const nameless = found.verdict === 'valid' && !found.facts?.UN;
    const verdict = found.verdict === 'valid' && (found.offline || nameless) ? 'conditional' : found.verdict;
    const panel = this.panels.get(verdict).content.cloneNode(true);
    const body = panel.querySelector('.ak-result-body');
    const checks = element('ul', 'ak-checks');
    for (const name of ['untampered', 'issuer', 'status']) checks.append(this.one(name, found));
    body.prepend(checks);
    const facts = body.querySelector('dl');
    for (const [label, value, name] of this.facts(found)) {
      const row = element('div');
      const term = write(element('dt'), label);
      const definition = Object.assign(element('dd', name ? 'ak-name' : ''), { textContent: value });
      row.append(term, definition);
      facts.append(row);
    }
    body.append(write(element('p', 'ak-result-time'), this.words['result.at'], this.moment(found.checked_at)));
    for (const condition of this.conditions(found, nameless)) {
      panel.querySelector('.ak-result-head > div').append(write(element('p'), ...condition));
    }
    if (found.untampered !== 'yes') panel.querySelector('[data-after]').remove();
    if (found.suspended_until) write(panel.querySelector('[data-next]'), this.words['next.suspended_until'], this.day(found.suspended_until));
    const record = panel.querySelector('form[data-record]');
    if (found.offline || found.why || !text) record.remove();
    else record.elements.namedItem('checkdata').value = text;
    const title = panel.querySelector('.ak-result-title').textContent;
    this.result.replaceChildren(panel);
    this.remember(found, verdict, title);
  }

  conditions(found, nameless) {
    const list = [];
    if (found.offline && found.verdict === 'valid') list.push([this.words['counter.condition'], this.moment(found.list_at)]);
    if (found.offline && found.verdict === 'suspended') list.push([this.words['counter.condition_suspended'], this.moment(found.list_at)]);
    if (nameless) list.push([this.words['counter.condition_nameless']]);
    if (found.why) list.push([this.words['counter.why_' + found.why]]);
    if (found.reason) list.push([this.words['reason.' + found.reason]]);
    return list;
  }

  one(name, found) {
    const outcome = found[name];
    const item = this.checks.get(outcome === 'yes' ? 'ok' : outcome === 'no' ? 'failed' : 'open').content.cloneNode(true);
    const [, text, hint] = item.firstElementChild.children;
    write(text, this.words['check.' + name]);
    const say = { untampered: this.words['say.untampered_' + outcome], issuer: outcome === 'yes' ? found.issuer_name : this.words['say.issuer_no'], status: this.standing(found) }[name];
    if (outcome !== 'unknown' && say) write(hint, this.words['say.found'], say, this.words['say.at'].replace('{0}', this.time(found.checked_at)));
    else hint.remove();
    return item;
  }

  // standing says where the registration stands and since when, and the last day of a suspension that has one; a status list knows
  // neither day. Only the register's own suspension has a last day: the holder's stop is told like one of the register's without.
  standing(found) {
    const until = found.suspended_until;
    const words = this.words['say.status_' + found.verdict + (until ? '_until' : '')];
    if (!words || !found.status_since || found.verdict === 'valid') return words;
    return this.words[until ? 'say.since_until' : 'say.since'].replace('{0}', words).replace('{1}', this.day(found.status_since)).replace('{2}', until ? this.day(until) : '');
  }

  facts({ facts = {}, legal_original_since: since }) {
    const rows = [];
    for (const label of ['UN', 'CN', 'RN', 'RD', 'IA', 'IN', 'DN']) {
      if (!facts[label] || (label === 'IN' && facts.IN === facts.IA)) continue;
      rows.push([this.words['fact.' + label], label === 'RD' ? this.day(facts[label]) : facts[label], label === 'UN']);
    }
    if (since) rows.push([this.words['fact.original'], plain(this.words['result.legal_original'].replace('{0}', this.day(since)))]);
    return rows;
  }

  remember(found, verdict, title) {
    const item = element('li');
    const time = Object.assign(element('time'), { dateTime: found.checked_at, textContent: this.time(found.checked_at) });
    const word = Object.assign(element('strong'), { textContent: title });
    item.dataset.tone = this.result.querySelector('.ak-result').dataset.tone;
    item.append(time, word, Object.assign(element('span', 'ak-name'), { textContent: [found.facts?.CN, found.facts?.UN].filter(Boolean).join('　') }));
    this.history.prepend(item);
    this.querySelector('[data-forget]').hidden = false;
  }

  forget() {
    this.turn = null;
    this.history.replaceChildren();
    this.say('counter.nothing');
    this.querySelector('[data-forget]').hidden = true;
    this.result.focus();
  }

  // day, time and moment write times in Japan as the service does.
  day(value) {
    const date = new Date(/^\d{4}-\d\d-\d\d$/.test(value) ? value + 'T00:00+09:00' : value);
    if (Number.isNaN(date.getTime())) return value;
    const part = (calendar, options) => new Intl.DateTimeFormat(calendar, { timeZone: 'Asia/Tokyo', ...options }).formatToParts(date);
    const pick = (parts, type) => parts.find((one) => one.type === type)?.value ?? '';
    if (this.dataset.edition === 'en') return new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Tokyo', dateStyle: 'long' }).format(date);
    const west = part('ja-JP', { year: 'numeric', month: 'numeric', day: 'numeric' });
    const [year, month, day] = ['year', 'month', 'day'].map((type) => pick(west, type));
    if (this.dataset.edition === 'easy') return `${year}年${month}月${day}日`;
    const era = part('ja-JP-u-ca-japanese', { era: 'long', year: 'numeric' });
    return `${year}年（${pick(era, 'era')}${pick(era, 'year')}年）${month}月${day}日`;
  }

  time(value) {
    return new Intl.DateTimeFormat('ja-JP', { timeZone: 'Asia/Tokyo', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(new Date(value));
  }

  moment(value) {
    return this.day(value) + (this.dataset.edition === 'en' ? ', ' : ' ') + this.time(value).slice(0, 5) + (this.dataset.edition === 'en' ? ' (JST)' : '');
  }
}

customElements.define('ak-counter', Counter);
