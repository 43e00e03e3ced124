"""What can be wrong with codes and with the schemes that describe them."""

from __future__ import annotations

from twin.errors import TwinError


class CodeMalformed(TwinError):
    """The text has the layout of no code scheme."""

    code = "code.malformed"
    en = "{value!r} is no asset code. Codes look like {examples}; separators may be left out."
    zh = "{value!r} 不是资产身份码。身份码形如 {examples}；分隔符可以省略。"


class CodeCheckDigit(TwinError):
    """The layout is right, the check digit is not: a digit was misread."""

    code = "code.checkdigit"
    en = "The check digit of {value!r} is wrong: a character was misread. Read the plate again."
    zh = "{value!r} 的校验码不符：有字符抄录错误。请重新核对标牌。"


class CodeUnhyphenated(TwinError):
    """Without hyphens only the check character shows where the parts of the code end, and it is not there."""

    code = "code.unhyphenated"
    en = (
        "Without its hyphens {value!r} cannot be read: its check character, the last one, is left out or a "
        "character was misread. Read it again and write the hyphens, as in {example}."
    )
    zh = (
        "{value!r} 缺少连字符，无法识别：末位校验码被省略，或有字符抄录错误。"
        "请重新核对，并写上连字符，如 {example}。"
    )


class CodeDivision(TwinError):
    """The division does not fit the scheme, so that no code can be issued in it."""

    code = "code.division"
    en = (
        "Codes of scheme {scheme} cannot be issued in division {division!r}; a division looks like {example}."
    )
    zh = "编码方案 {scheme} 不能用于区划 {division!r}；区划形如 {example}。"


class CodePart(TwinError):
    """A class or sequence number does not fit the scheme."""

    code = "code.part"
    en = "{value!r} does not fit the {part} of code scheme {scheme}."
    zh = "{value!r} 不符合编码方案 {scheme} 的 {part} 部分。"


class UnknownScheme(TwinError):
    """No code scheme has that name."""

    code = "code.scheme"
    en = "There is no code scheme {scheme}. The schemes are: {schemes}."
    zh = "没有编码方案 {scheme}。已有方案：{schemes}。"


class SchemeInvalid(TwinError):
    """A scheme's file does not describe a code scheme."""

    code = "code.scheme_invalid"
    en = "The code scheme in {file} cannot be used: {problem}. Mend the file, or take it out of its folder."
    zh = "{file} 中的编码方案无法使用：{problem}。请修改该文件，或将其移出目录。"
