// Stands in for scripts that themes have had for years: the seven routes, no cart token, ids as the mapping has them.
(() => {
  const base = '/apps/wtf/lightspeed';
  const settings = window.olderTheme; // {accountId, mapping: {item id: variant id}, every: milliseconds}
  const itemOf = Object.fromEntries(Object.entries(settings.mapping).map(([item, variant]) => [variant, item]));
  const state = (window.olderState = { off: false, alerts: [], synced: [], failed: [] });
  const slot = (variant) => `wtf_reservation_${variant}`;

  async function call(method, path, body) {
    if (state.off) return null;
    const options = { method, headers: { 'Content-Type': 'application/json' } };
    if (body) options.body = JSON.stringify(body);
    const answer = await fetch(base + path, options);
    if (answer.status === 404) state.off = true;
    if (!answer.ok) state.failed.push([method, path, answer.status]);
    return answer.ok ? answer.json() : null;
  }

  async function pull() {
    const list = await call('GET', '/inventory');
    if (!list) return;
    const updates = list.items
      .filter((item) => settings.mapping[item.itemID])
      .map((item) => ({ variantId: settings.mapping[item.itemID], lightspeedId: item.itemID, quantity: item.qoh }));
    if (updates.length) state.synced.push(await call('POST', '/sync', { updates }));
  }

  document.addEventListener('cart:added', async ({ detail: { item } }) => {
    const lightspeedId = itemOf[item.variant_id];
    const told = await call('GET', `/availability?variant_id=${item.variant_id}&lightspeed_id=${lightspeedId}`);
    if (told && !told.available) {
      const body = JSON.stringify({ id: item.key, quantity: 0 });
      await fetch('/cart/change.js', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
      state.alerts.push(`${item.title} is sold out`);
      return;
    }
    const expiresAt = new Date(Date.now() + 15 * 60 * 1000).toISOString();
    const wish = { variantId: item.variant_id, lightspeedId, quantity: item.quantity, expiresAt };
    const held = await call('POST', '/reserve', { ...wish, accountId: settings.accountId });
    if (held) sessionStorage.setItem(slot(item.variant_id), held.reservationId);
  });

  document.addEventListener('cart:updated', async ({ detail: { cart } }) => {
    for (const { variant_id: variantId, quantity } of cart.items) {
      const reservationId = sessionStorage.getItem(slot(variantId));
      if (!reservationId) continue;
      const body = { variantId, lightspeedId: itemOf[variantId], quantity, reservationId, accountId: settings.accountId };
      if (quantity > 0) await call('PUT', '/reserve', body);
      else await call('POST', '/release', body);
      if (quantity === 0) sessionStorage.removeItem(slot(variantId));
    }
  });

  const checkout = window.Shopify && window.Shopify.checkout;
  if (checkout) {
    const { order_id: orderNumber, line_items: lineItems, token: cartToken } = checkout;
    const customer = { email: checkout.email };
    call('POST', '/orders', { orderNumber, accountId: settings.accountId, customer, cartToken, lineItems }).then((told) => {
      state.order = told;
    });
  }
  pull();
  setInterval(pull, settings.every);
})();
