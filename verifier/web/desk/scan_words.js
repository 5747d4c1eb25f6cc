// What the ways in say to the clerk, zh and en. One sentence: what happened, and what helps.

const ZH = {
  camera_on: "打开摄像头",
  camera_off: "关闭摄像头",
  camera_opening: "正在打开摄像头……",
  camera_looking: "请把二维码放入画面，靠近、放平、避免反光。",
  camera_insecure: "此网址不能使用摄像头：需要 https 或本机地址。可用扫码枪、照片或文件。",
  camera_denied: "浏览器未获准使用摄像头：请在地址栏旁允许，或用扫码枪、照片或文件。",
  camera_none: "没有找到摄像头。可用扫码枪、照片或文件。",
  camera_busy: "摄像头正被其他程序占用：请关闭该程序后再试。",
  camera_lost: "摄像头已断开。",
  torch: "补光灯",
  file: "选择照片、PDF 或文件",
  ways: "扫码枪随时可用，无须先点任何输入框；照片、PDF 和文件也可以直接拖入或粘贴到本页。",
  paste: "粘贴文字",
  paste_label: "二维码里的文字，或文件里的文字",
  paste_go: "核验",
  reading: "正在读取……",
  no_code: "图中没有找到二维码：请靠近、放平、避免反光，再拍一次。",
  unreadable: "读不出这个文件：可能已损坏或设有密码。请让对方重新发送，或直接扫码。",
  too_large: "文件太大，没有读取。请只选含二维码的照片或那一页。",
  foreign: "这不是参保证明的答复，也不是纸质证明，没有打开或执行其中任何内容。请对方打开自己的证明再出示。",
  asked: "扫到的是本窗口的请求码。请扫描申请人手机上的答复。",
  broken_text: "开头对，内容不完整：请完整复制，或请对方发送文件。",
  broken_typed: "扫码枪送来的内容不完整：请再扫一次。如仍如此，请关闭扫码枪的“去除空格”，并把输入法切换为英文。",
  typed_input_method: "输入法吞掉了扫码内容：请切换到英文输入（通常按 Shift），再扫一次。",
  typed_layout: "键盘布局不是美式，扫码枪的符号被改变了：请把键盘布局或扫码枪的国家设置改为美国。",
  typed_foreign: "扫到的是别的条码，没有打开或执行其中任何内容。",
  mended_input_method: "已读取。输入法是打开的，建议切换到英文输入。",
  mended_full_width: "已读取。扫码枪送来的是全角字符，建议把输入法切换为半角英文。",
  mended_letter_case: "已读取。大小写锁定是打开的，建议关闭。",
  mended_line_breaks: "已读取。文字中的换行已去掉。",
  mended_spaces: "已读取。扫码枪去掉了空格，已按签名补回；建议关闭扫码枪的“去除空格”。",
};

const EN = {
  camera_on: "Turn the camera on",
  camera_off: "Turn the camera off",
  camera_opening: "Opening the camera …",
  camera_looking: "Hold the code into the picture: close, flat, without glare.",
  camera_insecure: "No camera at this address: it needs https or this very machine. Use a scanner, a photo or a file.",
  camera_denied: "The browser may not use the camera: allow it beside the address bar, or use a scanner, a photo or a file.",
  camera_none: "No camera was found. Use a scanner, a photo or a file.",
  camera_busy: "Another program is using the camera: close it and try again.",
  camera_lost: "The camera was disconnected.",
  torch: "Light",
  file: "Choose a photo, PDF or file",
  ways: "A counter scanner works at any time, no field has to be chosen first; photos, PDFs and files can also be dropped or pasted anywhere on this page.",
  paste: "Paste text",
  paste_label: "The text of the code, or of a file",
  paste_go: "Verify",
  reading: "Reading …",
  no_code: "No code was found in the picture: closer, flat, without glare, then take it again.",
  unreadable: "This file cannot be read: it is damaged or under a password. Ask for it again, or scan the code itself.",
  too_large: "The file is too large and was not read. Choose only the photo or the page with the code.",
  foreign: "This is no answer and no paper certificate; nothing in it was opened or run. Ask the applicant to show their certificate.",
  asked: "This is the desk's own request. Scan the answer on the applicant's phone.",
  broken_text: "It begins right but is not whole: copy all of it, or ask for the file.",
  broken_typed: "The scanner sent only part of it: scan again. If that happens again, switch off trimming of spaces in the scanner and set the input method to English.",
  typed_input_method: "The input method swallowed the scan: switch it to English (usually Shift), then scan again.",
  typed_layout: "The keyboard layout is not US, so the scanner's signs were changed: set the layout, or the scanner's country, to US.",
  typed_foreign: "This is another kind of code; nothing in it was opened or run.",
  mended_input_method: "Read. The input method is on; better switch it to English.",
  mended_full_width: "Read. The scanner's letters came full-width; better switch the input method to half-width English.",
  mended_letter_case: "Read. Caps Lock is on; better switch it off.",
  mended_line_breaks: "Read. Line breaks in the text were taken out.",
  mended_spaces: "Read. The scanner dropped spaces; they were put back as signed. Better switch off trimming in the scanner.",
};

const WORDS = { zh: Object.freeze(ZH), en: Object.freeze(EN) };

/** The sentence `key` in a language. */
export function say(language, key) {
  const text = WORDS[language][key];
  if (text === undefined) throw new Error(`no word ${key}`);
  return text;
}
