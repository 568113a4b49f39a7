// Our own mark: a shield of three layers.
export function Mark({ size = 28 }: { size?: number }) {
    return (
        <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path d="M16 1.5 28 6v9.5c0 7.2-5 12.6-12 15-7-2.4-12-7.8-12-15V6z" fill="#0b6e99" />
            <path d="M16 6.2 23.6 9v6.6c0 4.9-3.1 8.6-7.6 10.5-4.5-1.9-7.6-5.6-7.6-10.5V9z" fill="#f2b632" />
            <path d="M16 11l3.6 1.4v3.3c0 2.5-1.4 4.3-3.6 5.4-2.2-1.1-3.6-2.9-3.6-5.4v-3.3z" fill="#0b2a3b" />
        </svg>
    );
}

export function Logo() {
    return (
        <span className="rox-logo">
            <Mark /> <span>PyRox</span>
        </span>
    );
}
