"""Chromium without a window, for what tests look at in it. Needs playwright (its own browsers are not needed)."""
import contextlib
import shutil

BROWSER = shutil.which("chromium")

# Elements that stand out of the window, those inside of a part that scrolls left out.
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth, found = [];
  for (const element of document.querySelectorAll('body *')) {
    const box = element.getBoundingClientRect();
    let scrolls = false;
    for (let up = element.parentElement; up && up !== document.body; up = up.parentElement)
      scrolls = scrolls || ['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX);
    if (!scrolls && box.width && (box.right > width + 1 || box.left < -1)) found.push(element.tagName + '.' + element.className);
  }
  return [document.documentElement.scrollWidth - width, found];
}"""


@contextlib.contextmanager
def launched(*arguments):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *arguments])
        print("chromium", browser.version)
        yield browser
        browser.close()


def new_page(browser, width, scheme, **more):
    """A page, and a list of what appears in its console: messages, errors, what its policy forbids."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
    page, messages = context.new_page(), []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    return page, messages


def check_layout(page, width, scheme):
    more, outside = page.evaluate(OVERFLOW)
    assert more <= 0 and outside == [], (width, more, outside)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light"), ground
