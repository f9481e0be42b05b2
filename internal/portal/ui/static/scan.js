// The camera. Without it the pages have other ways, so it shows itself only where there is one.

// <ak-scan data-decoder data-wasm> reads QR codes with the camera and tells each text by an event "ak-code". data-form names the
// form that is filled and sent with the text. The pictures stay in this element: nothing of them is kept or sent.
class Scan extends HTMLElement {
  connectedCallback() {
    this.video = this.querySelector('video');
    this.view = this.querySelector('[data-view]');
    this.start = this.querySelector('[data-start]');
    this.stop = this.querySelector('[data-stop]');
    this.status = this.querySelector('[role=status]');
    this.start.addEventListener('click', () => this.open());
    this.stop.addEventListener('click', () => this.close(true));
    document.addEventListener('visibilitychange', () => document.hidden && this.close());
    this.offer();
  }

  disconnectedCallback() {
    this.close();
  }

  // offer shows the element where a camera may be there: browsers name devices only once they were allowed, but not their number.
  async offer() {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
    this.hidden = !devices?.some((one) => one.kind === 'videoinput');
  }

  say(word) {
    const words = word ? this.dataset[word] : '';
    if (this.status.textContent !== words) this.status.textContent = words;
  }

  async open() {
    this.say('opening');
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } },
      });
    } catch (error) {
      this.say(error.name === 'NotAllowedError' ? 'denied' : 'none');
      return;
    }
    this.video.srcObject = this.stream;
    this.view.hidden = this.stop.hidden = false;
    this.start.hidden = true;
    this.stop.focus();
    try {
      await this.video.play();
      this.decoder ??= await this.load();
      await this.watch(this.stream);
    } catch {
      if (!this.stream) return; // closed meanwhile
      this.close();
      this.say('broken');
    }
  }

  // load brings the decoder, which is larger than all other scripts together, when it is first needed.
  async load() {
    const decoder = await import(this.dataset.decoder);
    await decoder.prepareZXingModule({ overrides: { locateFile: () => this.dataset.wasm }, fireImmediately: true });
    return decoder;
  }

  async watch(stream) {
    const canvas = document.createElement('canvas');
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    this.say('looking');
    while (this.stream === stream) {
      const began = performance.now();
      const { videoWidth: width, videoHeight: height } = this.video;
      if (width) {
        const scale = Math.min(1, 1280 / Math.max(width, height));
        canvas.width = width * scale;
        canvas.height = height * scale;
        pen.drawImage(this.video, 0, 0, canvas.width, canvas.height);
        const [found] = await this.read(pen.getImageData(0, 0, canvas.width, canvas.height));
        if (this.stream !== stream) return;
        if (found) this.tell(found.text);
        else if (++this.missed > 9) this.last = null;
      }
      await new Promise((go) => setTimeout(go, Math.max(40, 150 - (performance.now() - began))));
    }
  }

  // read decodes a frame or a file.
  async read(picture) {
    this.decoder ??= await this.load();
    return this.decoder.readBarcodes(picture, { formats: ['QRCode'], tryHarder: true, maxNumberOfSymbols: 1 });
  }

  // tell passes a text on once; the same one counts again when it was out of sight for some pictures.
  tell(text) {
    this.missed = 0;
    if (text === this.last) return;
    this.last = text;
    if (!/(^|[?#&]c=)[\w+/%=-]{40,}$/.test(text)) {
      this.say('other');
      return;
    }
    this.say('found');
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(60);
    const event = new CustomEvent('ak-code', { bubbles: true, cancelable: true, detail: text });
    if (!this.dispatchEvent(event) || !this.dataset.form) return;
    const form = document.getElementById(this.dataset.form);
    form.elements.namedItem('checkdata').value = text;
    this.close();
    form.requestSubmit();
  }

  close(back) {
    this.last = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (!this.stream) return;
    this.stream = this.video.srcObject = null;
    this.view.hidden = this.stop.hidden = true;
    this.start.hidden = false;
    if (back) {
      this.say('');
      this.start.focus();
    }
  }
}

customElements.define('ak-scan', Scan);
