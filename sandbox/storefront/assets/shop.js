// The pretend shop's own theme: it knows nothing of holds, and dispatches no events.
(() => {
  'use strict';
  const say = (id, text) => {
    document.getElementById(id).textContent = text;
  };

  async function ask(path, body) {
    const sent = body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(path, sent);
    return [answer.ok, await answer.json()];
  }

  function row(line) {
    const item = document.createElement('li');
    const title = document.createElement('span');
    title.textContent = line.title;
    const units = document.createElement('input');
    Object.assign(units, { type: 'number', min: 0, value: line.quantity });
    units.setAttribute('aria-label', `Quantity of ${line.title}`);
    units.addEventListener('change', () => change(line.key, Number(units.value)));
    const remove = document.createElement('button');
    remove.textContent = 'Remove';
    remove.addEventListener('click', () => change(line.key, 0));
    item.append(title, units, remove);
    item.dataset.variant = line.variant_id;
    item.dataset.units = line.quantity;
    return item;
  }

  function draw(cart) {
    const list = document.getElementById('cart');
    if (!list) return;
    list.replaceChildren(...cart.items.map(row));
    document.getElementById('checkout').disabled = cart.items.length === 0;
  }

  async function refresh() {
    draw((await ask('/cart.js'))[1]);
  }

  async function change(id, quantity) {
    const [fine, told] = await ask('/cart/change.js', { id, quantity });
    say('cart-note', fine ? '' : told.description);
    await refresh();
  }

  document.getElementById('buy')?.addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const [fine, told] = await ask('/cart/add.js', { id: Number(form.get('id')), quantity: Number(form.get('quantity')) });
    say('buy-note', fine ? 'Added.' : told.description);
    await refresh();
  });
  document.addEventListener('cart:updated', ({ detail }) => draw(detail.cart));
  refresh();
})();
