// A file to be checked. Without this script the form sends it, as it does a PDF anyway.

// <ak-pick data-form data-reading data-none> takes a dropped file into the form that it contains, and reads a picture here: only what
// its QR code holds is sent, by the form that data-form names. Where the decoder does not run, the picture is sent instead.
class Pick extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector('form');
    this.input = this.form.querySelector('input[type=file]');
    this.status = this.querySelector('[role=status]');
    for (const name of ['dragenter', 'dragover']) this.addEventListener(name, (event) => this.over(event));
    this.addEventListener('dragleave', (event) => this.toggleAttribute('data-over', this.contains(event.relatedTarget)));
    this.addEventListener('drop', (event) => this.drop(event));
    this.input.addEventListener('change', () => this.say(''));
    this.form.addEventListener('submit', (event) => this.send(event));
  }

  say(words) {
    this.status.textContent = words;
  }

  over(event) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    this.toggleAttribute('data-over', true);
  }

  // drop only chooses the file: nothing leaves before the visitor presses the button.
  drop(event) {
    this.toggleAttribute('data-over', false);
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.input.files = event.dataTransfer.files;
    this.say('');
    this.form.querySelector('[type=submit]').focus();
  }

  async send(event) {
    const [file] = this.input.files;
    const scan = document.querySelector('ak-scan');
    const target = document.getElementById(this.dataset.form);
    if (!scan || !target || !/^image\/(png|jpeg)$/.test(file?.type)) return;
    event.preventDefault();
    this.say(this.dataset.reading);
    let found;
    try {
      [found] = await scan.read(file);
    } catch {
      this.form.submit();
      return;
    }
    this.say(found ? '' : this.dataset.none);
    if (!found) return;
    target.elements.namedItem('checkdata').value = found.text;
    target.requestSubmit();
  }
}

customElements.define('ak-pick', Pick);
