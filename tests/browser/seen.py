"""What a person who cannot use a mouse, or sees little, would miss on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

CONTROLS = "button, input, select, textarea, a[href], summary, [role=button], [role=tab]"
NAME = """(at => (at.getAttribute('aria-label') || [...(at.labels || [])].map(label => label.textContent).join(' ')
  || at.textContent).trim())"""

NAMELESS = """
([scope, controls]) => [...document.querySelectorAll(scope)].flatMap(part => [...part.querySelectorAll(controls)])
  .filter(control => control.type !== 'hidden' && control.checkVisibility())
  .filter(control => {
    const said = (control.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
      .map(id => document.getElementById(id)?.textContent || '').join(' ');
    const own = control.matches('button, a, summary, [role=button], [role=tab]') ? control.textContent : '';
    const labels = [...(control.labels || [])].map(label => label.textContent).join(' ');
    const seen = control.title || control.querySelector('img')?.alt;
    return ![control.getAttribute('aria-label'), said, labels, own, seen].some(text => (text || '').trim());
  })
  .map(control => control.outerHTML.slice(0, 200))
"""

FAINT = """
([scope, least]) => {
  const rgba = text => { const n = (text.match(/[0-9.]+/g) || []).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const ground = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => top.length === 4 ? over(top, below) : below, [255, 255, 255]);
  };
  const light = colour => colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const faint = [];
  for (const part of document.querySelectorAll(scope)) {
    const texts = [...part.querySelectorAll('input, textarea')].map(field => [field, field.value.trim()]);
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) texts.push([walker.currentNode.parentElement, walker.currentNode.textContent.trim()]);
    for (const [element, text] of texts) {
      if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
      if (element.closest('style, script, [disabled], [aria-disabled=true], [aria-hidden=true]')) continue;
      const style = getComputedStyle(element), below = ground(element);
      const ink = over(rgba(element.closest('svg') ? style.fill : style.color), below);
      const [dim, bright] = [light(ink), light(below)].sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dim + 0.05);
      const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      if (ratio < (isLarge ? 3 : least)) faint.push(`${ratio.toFixed(2)}: ${text.slice(0, 60)}`);
    }
  }
  return faint;
}
"""


def nameless_controls(page: Page, scope: str = "body") -> list[str]:
    """The visible controls within ``scope``, a CSS selector, that have no label, as HTML."""
    return page.evaluate(NAMELESS, [scope, CONTROLS])


def named_controls(page: Page, scope: str = "body") -> set[str]:
    """The names of the visible controls within ``scope`` that can be used: what the tab key must reach."""
    usable = "at => at.type !== 'hidden' && at.checkVisibility() && !at.disabled && at.tabIndex >= 0"
    found = page.evaluate(
        f"([scope, controls]) => [...document.querySelectorAll(`${{scope}} :is(${{controls}})`)]"
        f".filter({usable}).map({NAME})",
        [scope, CONTROLS],
    )
    return set(found)


def faint_texts(page: Page, scope: str = "body", least: float = 4.5) -> list[str]:
    """The texts within ``scope`` whose contrast is below ``least`` (3 where they are large), with their contrast."""
    return page.evaluate(FAINT, [scope, least])


def reached_by_keyboard(page: Page, times: int) -> list[str]:
    """What has the focus after each of so many presses of the tab key: its label or its text."""
    reached = []
    for _ in range(times):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(f"() => {NAME}(document.activeElement)"))
    return reached
