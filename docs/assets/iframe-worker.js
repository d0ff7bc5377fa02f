// Browsers start no worker for a page that is opened as a file; a hidden frame runs the search there in its place.
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.frame = frame;
      window.addEventListener("message", (event) => {
        if (event.source === frame.contentWindow) this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      const tag = "script";
      frame.contentDocument.open();
      frame.contentDocument.write(
        `<${tag}>
          var receive = window.postMessage.bind(window);
          window.postMessage = (data) => parent.postMessage(data, "*");
          var importScripts = (...all) => all.reduce((before, each) => before.then(() => new Promise((done, failed) => {
            const script = document.createElement("script");
            Object.assign(script, { src: each, onload: done, onerror: failed });
            document.head.appendChild(script);
          })), Promise.resolve());
        </${tag}><${tag} src="${new URL(address, location)}"></${tag}>`
      );
      const script = frame.contentDocument.querySelector("script[src]");
      this.ready = new Promise((done) => script.addEventListener("load", done));
      frame.contentDocument.close();
    }
    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.receive(data, "*"));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
