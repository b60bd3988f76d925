/*
 * Tells the page what happened to the cart, for themes that do not do so themselves.
 *
 * Watches what the theme asks of Shopify's cart by fetch or XMLHttpRequest and dispatches `cart:added` {detail: {item}} and
 * `cart:updated` {detail: {cart}} on the document. As soon as the theme is heard dispatching one of them, that one is left
 * to the theme. Nothing that is asked or answered is changed.
 */
(() => {
  'use strict';
  if (window.WTFLightspeedCartEvents) return;
  window.WTFLightspeedCartEvents = true;

  const QUIET = 250; // milliseconds that a theme gets to speak first
  const CART = /\/cart\/(add|change|update|clear)(?:\.js|\.json)?$/;
  const own = new WeakSet();
  const heard = new Set(); // events that the theme dispatches itself

  for (const name of ['cart:added', 'cart:updated']) {
    const listen = (event) => {
      if (!own.has(event) && event.detail?.source !== 'wtf-lightspeed') heard.add(name);
    };
    window.addEventListener(name, listen, { capture: true });
  }

  function tell(name, detail) {
    if (heard.has(name)) return;
    const event = new CustomEvent(name, { detail });
    own.add(event);
    document.dispatchEvent(event);
  }

  /** Which deed on the cart an address stands for; null: none, or another site's. */
  function deedOf(address) {
    const url = new URL(address, location.href);
    return url.origin === location.origin ? (CART.exec(url.pathname)?.[1] ?? null) : null;
  }

  function spread(deed, told) {
    if (deed !== 'add') {
      if (Array.isArray(told?.items)) tell('cart:updated', { cart: told });
      return;
    }
    const items = Array.isArray(told?.items) ? told.items : [told];
    for (const item of items) if (item?.variant_id) tell('cart:added', { item });
  }

  /** Look at an answer later, without holding it up; `read` returns its JSON. */
  function watch(address, read) {
    try {
      const deed = deedOf(address);
      if (!deed) return;
      Promise.resolve(read())
        .then((told) => told && setTimeout(() => spread(deed, told), QUIET))
        .catch(() => undefined); // not JSON: a page, or nothing
    } catch {
      // an address that is none: the theme's own matter
    }
  }

  const fetchBefore = window.fetch;
  window.fetch = function fetch(...given) {
    const answer = fetchBefore.apply(this, given);
    const address = given[0] instanceof Request ? given[0].url : given[0];
    watch(address, () => answer.then((one) => (one.ok ? one.clone().json() : null)));
    return answer;
  };

  const addresses = new WeakMap();
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function opened(...given) {
    addresses.set(this, given[1]);
    return open.apply(this, given);
  };
  XMLHttpRequest.prototype.send = function sent(...given) {
    const json = () => (this.responseType === 'json' ? this.response : JSON.parse(this.responseText));
    const loaded = () => watch(addresses.get(this), () => (this.status === 200 ? json() : null));
    this.addEventListener('load', loaded, { once: true });
    return send.apply(this, given);
  };
})();
