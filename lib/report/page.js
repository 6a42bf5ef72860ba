// Sorts and searches the page's tables.
'use strict';
for (const table of document.querySelectorAll('table.sort')) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, i) => {
    const cell = row.cells[i];
    return 'v' in cell.dataset ? Number(cell.dataset.v) : cell.textContent;
  };
  heads.forEach((head, i) => head.firstChild.addEventListener('click', () => {
    const up = head.getAttribute('aria-sort') === 'descending';
    heads.forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const rows = [...body.rows].sort((a, b) => {
      const x = value(a, i), y = value(b, i);
      const order = typeof x === 'number' && typeof y === 'number' ? x - y
        : typeof x === 'number' ? 1 : typeof y === 'number' ? -1 : x.localeCompare(y);
      return up ? order : -order;
    });
    body.append(...rows);
  }));
  if (body.rows.length > 15) {
    const search = document.createElement('input');
    search.className = 'search';
    search.type = 'search';
    search.placeholder = 'Search';
    search.setAttribute('aria-label', 'Search in this table');
    table.parentNode.before(search);
    search.addEventListener('input', () => {
      const word = search.value.toLowerCase();
      for (const row of body.rows) {
        row.hidden = !row.textContent.toLowerCase().includes(word);
      }
    });
  }
}
