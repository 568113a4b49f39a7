// A link that came from an advisory: only web addresses, and without telling them where we are.
interface Props {
    href: string;
    text?: string;
}

export function isWebAddress(href: string): boolean {
    return /^https?:\/\//i.test(href);
}

export function SafeLink({ href, text }: Props) {
    if (!isWebAddress(href)) {
        return text === undefined ? (href || '-') : null;
    }
    return (
        <a href={href} target="_blank" rel="noopener noreferrer" className="rox-break">
            {text ?? href}
        </a>
    );
}
