// Shows a photo, sends it to /v1/predict, draws the answer.
'use strict';
const $ = id => document.getElementById(id);
const PIXELS_MAX = 12e6; // of a photo that is drawn anew
let photo = null; // what is sent: a JPEG or PNG that is upright as it lies in the file
let crop = null; // [left, top, right, bottom] in its pixels
let request = null; // the one that is on its way
let stream = null; // of the camera
let token = '';

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

function clearResult() {
  $('bars').replaceChildren();
  $('times').textContent = '';
}

// --- the photo

// The server looks at pixels as they lie in the file. Cameras write beside them how they are to be turned: this is the
// number 1 to 8 of a JPEG's Exif part, 1 for upright.
function orientation(view) {
  const size = view.byteLength;
  for (let at = 2; at + 4 <= size && view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda;
    at += 2 + view.getUint16(at + 2)) {
    const tiff = at + 10;
    if (view.getUint8(at + 1) !== 0xe1 || tiff + 8 > size || view.getUint32(at + 4) !== 0x45786966) {
      continue;
    }
    const little = view.getUint16(tiff) === 0x4949;
    const directory = tiff + view.getUint32(tiff + 4, little);
    const count = directory + 2 <= size ? view.getUint16(directory, little) : 0;
    for (let i = 0, entry = directory + 2; i < count && entry + 12 <= size; i++, entry += 12) {
      if (view.getUint16(entry, little) === 0x112) {
        return view.getUint16(entry + 8, little);
      }
    }
  }
  return 1;
}

function encode(source, width, height) {
  const scale = Math.min(1, Math.sqrt(PIXELS_MAX / (width * height)));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext('2d').drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(blob => blob ? resolve(blob) : reject(new Error('no picture')), 'image/jpeg', 0.95));
}

// The file itself where the server reads it as it is seen here; otherwise what the browser makes of it.
async function readable(file) {
  const view = new DataView(await file.slice(0, 1 << 18).arrayBuffer());
  const head = view.byteLength >= 4 ? view.getUint32(0) : 0;
  const jpeg = head >>> 8 === 0xffd8ff;
  if ((jpeg && orientation(view) < 2) || head === 0x89504e47) {
    return [file, ''];
  }
  const bitmap = await createImageBitmap(file);
  const blob = await encode(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return [blob, jpeg ? 'Turned upright in the browser before it is sent.' : 'Sent as a JPEG made by the browser.'];
}

function show(blob) {
  const old = $('view').src;
  $('view').src = URL.createObjectURL(blob);
  URL.revokeObjectURL(old);
  return $('view').decode();
}

function shown(what) {
  for (const id of ['invite', 'photo', 'live']) {
    $(id).hidden = id !== what;
  }
  $('shoot').hidden = what !== 'live';
  $('camera').hidden = what === 'live';
}

async function take(file) {
  closeCamera();
  setCrop(null);
  clearResult();
  photo = null;
  $('note').textContent = '';
  try {
    const [blob, note] = await readable(file);
    await show(blob);
    photo = blob;
    $('note').textContent = `${note} Drag over the photo to look at a part of it.`.trim();
    shown('photo');
    ask();
  } catch {
    shown('invite');
    say('This file is not a picture that the browser can show.', true);
  }
}

// --- the answer

function breed(label) {
  return label.replace(/^\d+\./, '').replaceAll('_', ' ');
}

function percent(share) {
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`;
}

function element(name, text = '') {
  const made = document.createElement('div');
  made.className = name;
  made.textContent = text;
  return made;
}

function row(prediction) {
  const item = document.createElement('li'), track = element('track'), fill = element('fill');
  fill.style.width = `${100 * prediction.probability}%`;
  track.append(fill);
  item.title = prediction.label;
  item.append(element('name', breed(prediction.label)), element('share', percent(prediction.probability)), track);
  return item;
}

function draw(answer) {
  const times = Object.entries(answer.timing_us).map(([name, us]) => `${name} ${(us / 1000).toFixed(1)} ms`);
  $('bars').replaceChildren(...answer.predictions.map(row));
  $('times').textContent = times.join(' · ');
  $('model').textContent = `${answer.model.name}, version ${answer.model.version}`;
  say(crop ? 'The marked part looks like' : 'The photo looks like');
}

async function refused(response) {
  const problem = await response.json().catch(() => ({}));
  clearResult();
  $('access').hidden = response.status !== 401;
  if (response.status === 401) {
    say(token ? 'This token is not valid.' : '', true);
    return;
  }
  say(problem.error ? `${problem.error[0].toUpperCase()}${problem.error.slice(1)}.`
    : `The server answered with status ${response.status}.`, true);
}

async function ask() {
  request?.abort();
  const mine = request = new AbortController();
  const query = new URLSearchParams({top_k: 5, ...crop && {crop: crop.join()}});
  const headers = {'Content-Type': photo.type || 'application/octet-stream', ...token && {Authorization: `Bearer ${token}`}};
  say('Looking …');
  $('bars').classList.add('old');
  try {
    const response = await fetch(`v1/predict?${query}`, {method: 'POST', body: photo, headers, signal: mine.signal});
    await (response.ok ? response.json().then(draw) : refused(response));
  } catch {
    if (!mine.signal.aborted) {
      clearResult();
      say('The server does not answer.', true);
    }
  }
  if (mine === request) {
    $('bars').classList.remove('old');
  }
}

// --- a part of the photo

function setCrop(part) {
  crop = part;
  $('crop').hidden = $('whole').hidden = part === null;
}

// Where the pointer is, in pixels of the photo.
function place(event) {
  const box = $('view').getBoundingClientRect();
  const at = (value, begin, size, count) => Math.round(Math.min(Math.max((value - begin) / size, 0), 1) * count);
  return [at(event.clientX, box.left, box.width, $('view').naturalWidth),
    at(event.clientY, box.top, box.height, $('view').naturalHeight)];
}

function between(a, b) {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

function drawCrop([left, top, right, bottom]) {
  const view = $('view'), scale = view.width / view.naturalWidth;
  Object.assign($('crop').style, {
    left: `${left * scale}px`, top: `${top * scale}px`,
    width: `${(right - left) * scale}px`, height: `${(bottom - top) * scale}px`,
  });
  $('crop').hidden = false;
}

function wholePicture() {
  if (crop !== null) {
    setCrop(null);
    ask();
  }
}

$('view').addEventListener('pointerdown', event => {
  if (event.button !== 0 || !event.isPrimary || photo === null) {
    return;
  }
  const view = $('view'), from = place(event), before = crop;
  const move = moved => drawCrop(between(from, place(moved)));
  const end = ended => {
    view.removeEventListener('pointermove', move);
    view.removeEventListener('pointerup', end);
    view.removeEventListener('pointercancel', end);
    const part = between(from, place(ended)), scale = view.width / view.naturalWidth;
    const large = Math.min(part[2] - part[0], part[3] - part[1]) * scale >= 8; // else the pointer only trembled
    setCrop(large && ended.type === 'pointerup' ? part : before);
    if (crop !== null) {
      drawCrop(crop);
    }
    if (crop !== before) {
      ask();
    }
  };
  view.setPointerCapture(event.pointerId);
  view.addEventListener('pointermove', move);
  view.addEventListener('pointerup', end);
  view.addEventListener('pointercancel', end);
});
addEventListener('resize', () => crop && drawCrop(crop));
addEventListener('keydown', event => event.key === 'Escape' && wholePicture());
$('whole').addEventListener('click', wholePicture);

// --- the camera

function closeCamera() {
  stream?.getTracks().forEach(track => track.stop());
  stream = null;
}

// Browsers show a camera's picture only on pages that nobody could have changed on their way: https or this machine.
// Elsewhere a phone still lets its own camera program take a photo.
async function openCamera() {
  if (!navigator.mediaDevices) {
    $('snap').click();
    return;
  }
  try {
    closeCamera();
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment', width: {ideal: 1920}}});
    $('live').srcObject = stream;
    await $('live').play();
    request?.abort();
    setCrop(null);
    clearResult();
    say('');
    $('note').textContent = '';
    shown('live');
  } catch {
    say('There is no camera, or this page may not use it.', true);
  }
}

$('camera').addEventListener('click', openCamera);
$('shoot').addEventListener('click', async () => {
  const live = $('live');
  take(await encode(live, live.videoWidth, live.videoHeight));
});

// --- where photos come from

function takeFirst(files) {
  if (files.length > 0) {
    take(files[0]);
  }
}

$('choose').addEventListener('click', () => $('file').click());
for (const id of ['file', 'snap']) {
  $(id).addEventListener('change', event => {
    takeFirst(event.target.files);
    event.target.value = ''; // the same file may be chosen again
  });
}
addEventListener('paste', event => takeFirst(event.clipboardData.files));
addEventListener('dragover', event => {
  event.preventDefault();
  $('frame').classList.add('over');
});
addEventListener('dragleave', event => event.relatedTarget === null && $('frame').classList.remove('over'));
addEventListener('drop', event => {
  event.preventDefault();
  $('frame').classList.remove('over');
  takeFirst(event.dataTransfer.files);
});
$('access').addEventListener('submit', event => {
  event.preventDefault();
  token = $('token').value;
  $('access').hidden = true;
  if (photo !== null) {
    ask();
  }
});
