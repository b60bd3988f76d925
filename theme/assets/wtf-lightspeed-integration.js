/*
 * Holds what lies in the cart for the shopper, takes out what has just been sold, and says so.
 *
 * Speaks with the shop's own app proxy only, and never about the shopper: variant ids, quantities and the cart's token.
 * Whatever fails, the cart stays as the shopper made it. Settings come from the JSON element #wtf-lightspeed-config.
 */
(() => {
  'use strict';
  if (window.WTFLightspeed) return;

  const SECOND = 1000;
  const MINUTE = 60 * SECOND;
  const POLL_EVERY = 15 * SECOND;
  const PATIENCE = 8 * SECOND; // with one answer
  const HOLD_FOR = 15 * MINUTE; // the longest that is granted
  const LONGEST_HOLD = 2 * HOLD_FOR; // with its renewal; what says that it lasts longer is believed that long
  const RENEW_BEFORE = 90 * SECOND; // timers of a tab in the background are up to a minute late
  const FIRST_REST = 2 * SECOND;
  const LONGEST_REST = 5 * MINUTE;
  const LONGEST_ASKED_REST = 15 * MINUTE; // that a Retry-After can bring about
  const PAGE = 500; // the most that one answer lists
  const MOST_PAGES = 10;
  const ORDER_TRIES = 5;
  const MOST_MESSAGES = 3;
  const KEY = 'wtf_reservation_'; // + variant id: the reservation's id, where themes look for it
  const DETAILS = 'wtf_lightspeed_holds';
  const CART = 'wtf_lightspeed_cart';
  const REPORTED = 'wtf_lightspeed_reported';
  const SOURCE = 'wtf-lightspeed';
  const NOT_ENOUGH = 'not_enough'; // the one refusal that says the goods are gone; the others are about limits
  const ENDED = ['reservation_ended', 'unknown_reservation'];
  const nativeFetch = window.fetch.bind(window); // what is asked here is no deed of the shopper's, so nobody need see it

  const MESSAGES = {
    soldOut: '{title} has just been sold out, so it was taken out of your cart.',
    fewerLeft: 'Only {quantity} of {title} left, so your cart now holds that many.',
    dismiss: 'Dismiss',
    item: 'This item',
  };

  // --- what is decided, without doing anything

  /** Units in the cart by variant id. */
  function unitsOf(cart) {
    const units = new Map();
    for (const line of cart.items) {
      const variant = String(line.variant_id);
      if (line.quantity > 0) units.set(variant, (units.get(variant) || 0) + line.quantity);
    }
    return units;
  }

  /** What must change so that `holds` are what the cart has: [{variant, units}], units 0 to release. */
  function plan(units, holds) {
    const changes = [];
    for (const variant of holds.keys()) if (!units.has(variant)) changes.push({ variant, units: 0 });
    for (const [variant, wanted] of units) {
      if (holds.get(variant)?.units !== wanted) changes.push({ variant, units: wanted });
    }
    return changes;
  }

  /** Which lines must shrink, and to what, so that only `left` units of a variant stay; the newest line first. */
  function shrink(cart, variant, left, newest) {
    const lines = cart.items.filter((line) => String(line.variant_id) === variant);
    lines.sort((one, other) => Number(other.key === newest) - Number(one.key === newest));
    let excess = lines.reduce((sum, line) => sum + line.quantity, 0) - left;
    const changes = [];
    for (const line of lines) {
      const less = Math.min(excess, line.quantity);
      if (less > 0) changes.push({ id: line.key, quantity: line.quantity - less });
      excess -= less;
    }
    return changes;
  }

  /** When a hold next needs something: its one renewal, or its end. `resting` is when asking may go on. */
  function dueAt(hold, resting) {
    if (hold.state !== 'held') return Infinity;
    if (hold.renewed) return hold.expiresAt;
    return Math.min(hold.expiresAt, Math.max(hold.renewAt, resting));
  }

  /** Milliseconds that a Retry-After header asks for, 0 where it asks for nothing. */
  function askedRest(header, now) {
    if (!header) return 0;
    const asked = /^\d+$/.test(header) ? Number(header) * SECOND : Date.parse(header) - now;
    return asked > 0 ? Math.min(asked, LONGEST_ASKED_REST) : 0;
  }

  /** Whether a thing out of the store is what `remember` put there. */
  function isHold(thing) {
    if (thing?.state !== 'held') return ['refused', 'ended'].includes(thing?.state);
    return typeof thing.id === 'string' && isCount(thing.held) && thing.expiresAt > 0 && thing.renewAt > 0;
  }

  /** Units that a hold has now, as far as this tab knows. */
  const heldOf = (hold) => (hold?.state === 'held' && hold.expiresAt > Date.now() ? hold.held : 0);

  /** Milliseconds to wait for a moment: past 2^31 a timer would fire at once, so it is set again on the way. */
  const until = (moment) => Math.min(Math.max(0, moment - Date.now()), LONGEST_HOLD);

  const isCount = (value) => Number.isInteger(value) && value >= 0;

  // --- the middleware: after a failure nothing is asked of it for a while, longer each time

  function middleware(base) {
    const health = { failures: 0, restUntil: 0, skew: null, lastAnswer: null };

    function failed(answer) {
      const asked = askedRest(answer?.headers.get('Retry-After'), Date.now());
      const own = Math.min(LONGEST_REST, FIRST_REST * 2 ** health.failures) * (0.5 + Math.random() / 2);
      health.failures += 1;
      health.restUntil = Date.now() + Math.max(own, asked);
      return { status: answer?.status || 0, failed: true };
    }

    async function read(answer) {
      const at = Date.parse(answer.headers.get('Date') || '');
      if (health.skew === null && at > 0) health.skew = at - Date.now();
      const isJson = /^application\/json\b/.test(answer.headers.get('Content-Type') || '');
      const works = answer.status === 304 || (isJson && answer.status < 500 && ![401, 429].includes(answer.status));
      if (!works) return failed(answer);
      const body = answer.status === 304 ? null : await answer.json();
      health.failures = 0;
      health.restUntil = 0;
      health.lastAnswer = new Date();
      return { status: answer.status, body, etag: answer.headers.get('ETag') };
    }

    /** Returns {status, body, etag, failed}; `failed` says that there is no answer to rely on. Never throws. */
    async function ask(method, route, { query = {}, body, etag } = {}) {
      if (Date.now() < health.restUntil) return { status: 0, failed: true };
      const url = new URL(base + route);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      const headers = { Accept: 'application/json' };
      if (body) headers['Content-Type'] = 'application/json';
      if (etag) headers['If-None-Match'] = etag;
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), PATIENCE);
      try {
        const sent = { method, headers, body: body && JSON.stringify(body), cache: 'no-store', signal: abort.signal };
        return await read(await nativeFetch(url, sent));
      } catch {
        return failed(null);
      } finally {
        clearTimeout(timer);
      }
    }

    return { ask, health, now: () => Date.now() + (health.skew || 0) };
  }

  // --- what this tab remembers; where the browser keeps nothing, as long as the page is open

  function memory() {
    const spare = new Map();
    const attempt = (act, otherwise) => {
      try {
        return act();
      } catch {
        return otherwise();
      }
    };
    const get = (key) => attempt(() => sessionStorage.getItem(key), () => spare.get(key) ?? null);
    const put = (key, text) => attempt(() => sessionStorage.setItem(key, text), () => spare.set(key, text));
    const drop = (key) => attempt(() => sessionStorage.removeItem(key), () => spare.delete(key));
    const keys = () => attempt(() => Object.keys(sessionStorage), () => [...spare.keys()]);

    function load() {
      let details = {};
      try {
        details = JSON.parse(get(DETAILS)) || {};
      } catch {
        // not ours, or cut off: the ids below are enough to go on with
      }
      const holds = new Map(Object.entries(details).filter(([, hold]) => isHold(hold)));
      const latest = Date.now() + LONGEST_HOLD;
      for (const hold of holds.values()) if (hold.expiresAt > latest) hold.expiresAt = latest;
      for (const key of keys().filter((each) => each.startsWith(KEY))) {
        const variant = key.slice(KEY.length);
        const unknown = { units: null, held: 1, expiresAt: Date.now() + HOLD_FOR, renewAt: Date.now() + HOLD_FOR };
        if (!holds.has(variant)) holds.set(variant, { state: 'held', id: get(key), ...unknown });
      }
      return holds;
    }

    function save(holds) {
      put(DETAILS, JSON.stringify(Object.fromEntries(holds)));
      for (const key of keys().filter((each) => each.startsWith(KEY))) {
        if (holds.get(key.slice(KEY.length))?.state !== 'held') drop(key);
      }
      for (const [variant, hold] of holds) if (hold.state === 'held') put(KEY + variant, hold.id);
    }

    return { get, put, load, save };
  }

  // --- the message: a live region that is there before it speaks, filled with text only

  function speaker(messages) {
    const region = document.createElement('div');
    region.className = 'wtf-lightspeed-messages';
    region.setAttribute('role', 'alert');
    const sheet = new CSSStyleSheet(); // :where() lets any rule of the theme win
    sheet.replaceSync(`
      :where(.wtf-lightspeed-messages) { position: fixed; inset: auto 1rem 1rem 1rem; z-index: 2147483000;
        display: grid; gap: .5rem; justify-items: center; pointer-events: none; }
      :where(.wtf-lightspeed-message) { display: flex; gap: 1rem; align-items: center; max-width: 34rem;
        padding: .75rem 1rem; border: 2px solid #8a1c1c; border-radius: .5rem; background: #fff; color: #1f1f1f;
        font: 400 1rem/1.4 system-ui, sans-serif; box-shadow: 0 4px 16px #0004; pointer-events: auto; }
      :where(.wtf-lightspeed-message p) { margin: 0; }
      :where(.wtf-lightspeed-message button) { flex: none; min-width: 44px; min-height: 44px; padding: 0 .75rem;
        border: 1px solid currentColor; border-radius: .375rem; background: none; color: inherit; font: inherit;
        cursor: pointer; }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    document.body.append(region);

    function say(name, values) {
      const message = document.createElement('div');
      message.className = 'wtf-lightspeed-message';
      const text = document.createElement('p');
      text.textContent = messages[name].replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole));
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = messages.dismiss;
      button.addEventListener('click', () => message.remove());
      message.append(text, button);
      region.append(message);
      if (region.children.length > MOST_MESSAGES) region.firstElementChild.remove();
    }

    function remove() {
      region.remove();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    }

    return { say, remove };
  }

  // --- the shop's own cart

  const root = () => window.Shopify?.routes?.root || '/';

  async function cartCall(path, body) {
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
    const sent = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const answer = await nativeFetch(root() + path, sent);
    if (!answer.ok) throw new Error(`the cart answered ${answer.status}`);
    const cart = await answer.json();
    if (!Array.isArray(cart.items)) throw new Error('the cart answered something else');
    return cart;
  }

  /** The cart's token without the key behind it, which opens the cart and is nobody's business. */
  const tokenOf = (cart) => (typeof cart.token === 'string' ? cart.token.split('?')[0] : '');

  // --- all of it together

  function integration(config) {
    const api = middleware(config.base);
    const kept = memory();
    const holds = kept.load();
    const speak = speaker(config.messages);
    const startedAt = Date.now();
    const seen = new Map(); // what /inventory last said, by item
    const gone = new AbortController(); // aborted by destroy()
    let active = false;
    let behind = false; // something could not be asked: settle again when the middleware answers
    const pages = []; // of /inventory, as last answered: {etag, isFull}
    let pollTimer = 0;
    let holdTimer = 0;
    let polledAt = -Infinity;
    let queue = Promise.resolve();

    /** Do one thing after the other; what goes wrong ends that one thing only. */
    function enqueue(act) {
      queue = queue
        .then(() => (gone.signal.aborted ? undefined : act()))
        .catch(() => {
          behind = true;
        });
      return queue;
    }

    const itemOf = (variant) => (config.variants[variant] ? { lightspeedId: config.variants[variant] } : {});

    function remember(variant, hold) {
      if (hold) holds.set(variant, hold);
      else holds.delete(variant);
      kept.save(holds);
      watchHolds();
    }

    /** Make the holds what the cart has. `added` is what was just put in: that is looked up before it is held. */
    async function settle(cart, added) {
      behind = false;
      kept.put(CART, tokenOf(cart));
      for (const change of plan(unitsOf(cart), holds)) {
        if (gone.signal.aborted) return;
        if (change.units === 0) await release(change.variant);
        else await secure(change.variant, change.units, cart, added);
      }
    }

    async function release(variant) {
      const hold = holds.get(variant);
      if (hold.state === 'held') {
        const told = await api.ask('POST', '/release', { body: { reservationId: hold.id, ...config.account } });
        if (told.failed) {
          behind = true; // it ends by itself, but sooner is kinder to others
          return;
        }
      }
      remember(variant, null);
    }

    /**
     * Hold `units` of a variant. What was just added is looked up first.
     *
     * Nothing is taken out on the word of a look alone: it knows its client by the address or the customer, so whoever
     * changes from Wi-Fi to mobile or signs in is a stranger to it. A refused hold knows the cart. Where both say that
     * there is less, the cart keeps the most that either of them allows, or that is held already.
     */
    async function secure(variant, units, cart, added) {
      const isNew = added && String(added.variant_id) === variant;
      const first = isNew ? await look(variant) : null;
      const told = await hold(variant, units, tokenOf(cart));
      if (told.status !== 409 || told.body.error !== NOT_ENOUGH) return;
      const seen = first !== null && first < units ? first : await look(variant);
      const left = Math.max(told.body.quantity, seen, heldOf(holds.get(variant)));
      const tells = isCount(told.body.quantity) && seen !== null;
      if (tells && left < units) await shorten(variant, left, added);
      else refuse(variant, units);
    }

    /** How many units of a variant the middleware would let this client have; null where it does not tell. */
    async function look(variant) {
      const query = { variant_id: variant };
      if (config.variants[variant]) query.lightspeed_id = config.variants[variant];
      const { status, body } = await api.ask('GET', '/availability', { query });
      return status === 200 && body.known !== false && isCount(body.quantity) ? body.quantity : null;
    }

    /** Leave it at what is held of a variant, if anything, while the cart has `units`: the shop decides about the rest. */
    function refuse(variant, units) {
      const known = holds.get(variant);
      remember(variant, known?.state === 'held' ? { ...known, units } : { state: 'refused', units });
    }

    /** Ask for a hold; where a limit allows fewer units only, for those. Returns the first answer. */
    async function hold(variant, units, token) {
      const told = await reserve(variant, units, token);
      if (told.failed) return told;
      const { error, quantity } = told.body || {};
      const limited = told.status === 409 && error !== NOT_ENOUGH && quantity > 0 && quantity < units;
      if (limited) await reserve(variant, quantity, token, units);
      if (told.status !== 200 && error !== NOT_ENOUGH && holds.get(variant)?.units !== units) {
        refuse(variant, units); // unknown, or more than one may hold
      }
      return told;
    }

    /** Ask to hold `units`, of the `wanted` that the cart has, or to hold them for longer. Returns the answer. */
    async function reserve(variant, units, token, wanted = units) {
      const known = holds.get(variant)?.state === 'held' ? holds.get(variant) : null;
      const expiresAt = new Date(api.now() + HOLD_FOR).toISOString();
      const wish = { variantId: variant, ...itemOf(variant), quantity: units, expiresAt, ...config.account };
      if (known) wish.reservationId = known.id;
      if (token) wish.cartToken = token;
      const told = await api.ask('POST', '/reserve', { body: wish });
      if (told.failed) {
        behind = true;
      } else if (told.status === 200 && told.body.reservationId) {
        const id = String(told.body.reservationId);
        const said = Date.parse(told.body.expiresAt) - (api.health.skew || 0) || Date.now() + HOLD_FOR;
        const ends = Math.min(said, Date.now() + LONGEST_HOLD);
        const renewed = known?.id === id && (known.renewed || ends > known.expiresAt + SECOND);
        const renewAt = ends - Math.min(RENEW_BEFORE, (ends - Date.now()) / 3);
        remember(variant, { state: 'held', id, units: wanted, held: units, expiresAt: ends, renewAt, renewed });
      } else if (known && ENDED.includes(told.body?.error)) {
        remember(variant, null); // it ended without us
        return reserve(variant, units, token, wanted);
      }
      return told;
    }

    /** Leave `left` units of a variant in the cart, say so, and hold those. */
    async function shorten(variant, left, added) {
      const fresh = await cartCall('cart.js'); // what an event told may be old by now
      const line = fresh.items.find((each) => String(each.variant_id) === variant);
      let now = fresh;
      for (const change of shrink(fresh, variant, left, added?.key)) now = await cartCall('cart/change.js', change);
      if (now === fresh) return;
      const title = added?.title || line?.title || config.messages.item;
      speak.say(left > 0 ? 'fewerLeft' : 'soldOut', { title, quantity: left });
      if (left > 0 && heldOf(holds.get(variant)) === left) refuse(variant, left); // as before: asking would renew it
      else if (left > 0) await hold(variant, left, tokenOf(now));
      else if (holds.has(variant)) await release(variant);
      document.dispatchEvent(new CustomEvent('cart:updated', { detail: { cart: now, source: SOURCE } }));
    }

    // --- time: one renewal before the end, then the end

    function watchHolds() {
      clearTimeout(holdTimer);
      const next = Math.min(...[...holds.values()].map((hold) => dueAt(hold, api.health.restUntil)));
      if (next !== Infinity && !gone.signal.aborted) holdTimer = setTimeout(() => enqueue(mind), until(next));
    }

    async function mind() {
      for (const [variant, hold] of holds) {
        if (dueAt(hold, api.health.restUntil) > Date.now()) continue;
        if (hold.expiresAt <= Date.now()) {
          remember(variant, { state: 'ended', units: hold.units }); // not held again until the shopper changes it
          continue;
        }
        const told = await reserve(variant, hold.held, kept.get(CART), hold.units);
        const after = holds.get(variant);
        if (!told.failed && after?.state === 'held') remember(variant, { ...after, renewed: true });
      }
      watchHolds();
    }

    // --- what others should know: changes of stock, seen at most every 15 seconds and only while somebody looks

    async function poll() {
      polledAt = Date.now();
      const since = new Date(Math.floor((startedAt + (api.health.skew || 0)) / MINUTE) * MINUTE).toISOString();
      const query = { limit: PAGE, updatedSince: since };
      const items = [];
      let first;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const wish = page > 0 ? { ...query, offset: page * PAGE } : query;
        const told = await api.ask('GET', '/inventory', { query: wish, etag: pages[page]?.etag });
        first ??= told;
        if (told.status === 200 && Array.isArray(told.body.items)) {
          items.push(...told.body.items);
          pages[page] = { etag: told.etag, isFull: told.body.items.length === PAGE };
        } else if (told.status !== 304) break;
        if (!pages[page]?.isFull) break;
      }
      publish(items);
      return first;
    }

    function publish(items) {
      const updates = [];
      for (const item of items) {
        const text = String(item.available);
        if (seen.get(item.itemID) === text) continue;
        seen.set(item.itemID, text);
        const variantId = config.variantOf[item.itemID] ?? item.variantId ?? null;
        const quantity = item.available;
        updates.push({ variantId, lightspeedId: item.itemID, sku: item.sku, quantity, available: quantity > 0 });
      }
      if (updates.length === 0) return;
      const detail = { updates, timestamp: new Date().toISOString() };
      document.dispatchEvent(new CustomEvent('wtf:inventory:updated', { detail }));
    }

    async function beat() {
      const told = await poll();
      if (active && behind && !told.failed) await settle(await cartCall('cart.js'));
    }

    function keepPolling() {
      clearTimeout(pollTimer);
      if (document.hidden || gone.signal.aborted) return;
      const at = Math.max(polledAt + POLL_EVERY * (1 + Math.random() / 5), api.health.restUntil);
      pollTimer = setTimeout(() => enqueue(active ? beat : begin).then(keepPolling), until(at));
    }

    // --- beginning and end

    async function begin() {
      const told = await poll();
      if (told.failed) return; // asked again after a rest
      if (told.status !== 200) {
        destroy(); // there is no middleware behind this address
        return;
      }
      active = true;
      const checkout = window.Shopify?.checkout;
      if (checkout?.order_id) {
        reportOrder(checkout);
        return;
      }
      const options = { capture: true, signal: gone.signal }; // in capture, what does not bubble is heard too
      window.addEventListener('cart:added', onAdded, options);
      window.addEventListener('cart:updated', onUpdated, options);
      watchHolds();
      await settle(await cartCall('cart.js'));
    }

    function onAdded({ detail }) {
      const item = detail?.item;
      if (!item?.variant_id) return;
      enqueue(async () => {
        const variant = String(item.variant_id);
        if (holds.get(variant)?.state !== 'held') holds.delete(variant); // added again, so wanted anew
        await settle(await cartCall('cart.js'), item);
      });
    }

    function onUpdated({ detail }) {
      if (detail?.source === SOURCE) return;
      const cart = detail?.cart;
      const isWhole = Array.isArray(cart?.items) && tokenOf(cart) !== '';
      enqueue(async () => settle(isWhole ? cart : await cartCall('cart.js')));
    }

    /** Tell of an order once: what was bought and which cart it was, nothing about who bought it. */
    function reportOrder(checkout, tries = 0) {
      const number = String(config.order || checkout.order_number || checkout.order_id);
      if (kept.get(REPORTED) === number || tries === ORDER_TRIES) return;
      const lines = Array.isArray(checkout.line_items) ? checkout.line_items : [];
      const lineItems = lines.map((line) => ({ variantId: String(line.variant_id), quantity: line.quantity }));
      const body = { orderNumber: number, lineItems, ...config.account };
      if (kept.get(CART)) body.cartToken = kept.get(CART);
      enqueue(async () => {
        const told = await api.ask('POST', '/orders', { body });
        if (told.failed) {
          setTimeout(() => reportOrder(checkout, tries + 1), until(api.health.restUntil));
          return;
        }
        kept.put(REPORTED, number);
        holds.clear(); // the order has them now
        kept.save(holds);
        watchHolds();
      });
    }

    function destroy() {
      gone.abort();
      active = false;
      clearTimeout(pollTimer);
      clearTimeout(holdTimer);
      speak.remove();
    }

    function getSyncStatus() {
      const list = [...holds].map(([variantId, { state, units, expiresAt }]) => ({
        variantId,
        state,
        quantity: units,
        expiresAt: expiresAt > 0 && expiresAt < Infinity ? new Date(expiresAt).toISOString() : null,
      }));
      const { failures, lastAnswer, restUntil } = api.health;
      return {
        active,
        failures,
        lastSync: lastAnswer && lastAnswer.toISOString(),
        nextTry: failures > 0 ? new Date(restUntil).toISOString() : null,
        holds: list,
      };
    }

    /** Somebody looks again: the cart may have changed in another tab, or before the page went to sleep. */
    function onSeen() {
      behind = true;
      keepPolling();
    }

    document.addEventListener('visibilitychange', onSeen, { signal: gone.signal });
    window.addEventListener('pageshow', (event) => event.persisted && onSeen(), { signal: gone.signal });
    enqueue(begin).then(keepPolling);
    return { isActive: () => active, getSyncStatus, destroy };
  }

  // --- settings

  function readConfig() {
    let given = {};
    try {
      given = JSON.parse(document.getElementById('wtf-lightspeed-config').textContent) || {};
    } catch {
      return null;
    }
    const base = new URL(given.baseUrl || '/apps/wtf/lightspeed', location.href);
    if (given.enabled !== true || base.origin !== location.origin) return null; // through the shop, or not at all
    const variants = given.variants || {};
    const own = Object.entries(given.messages || {}).filter(([, text]) => text); // a setting left empty means ours
    return {
      base: base.href.replace(/\/+$/, ''),
      account: given.accountId ? { accountId: String(given.accountId) } : {},
      order: given.order ? String(given.order) : '',
      messages: { ...MESSAGES, ...Object.fromEntries(own) },
      variants,
      variantOf: Object.fromEntries(Object.entries(variants).map(([variant, item]) => [String(item), variant])),
    };
  }

  const none = { active: false, failures: 0, lastSync: null, nextTry: null, holds: [] };
  const off = { isActive: () => false, getSyncStatus: () => ({ ...none }), destroy: () => undefined };

  function main() {
    try {
      const config = readConfig();
      window.WTFLightspeed = config ? integration(config) : off;
    } catch {
      window.WTFLightspeed = off; // an old browser, or settings that make no sense: the shop goes on
    }
  }

  window.WTFLightspeed = off;
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', main, { once: true });
  else main();
})();
